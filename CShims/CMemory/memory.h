// The program's memory map: every buffer that is too large for the stack, in one place.
//
// Each lies in .bss, so a page that is never touched costs no memory. The functions are called
// by Memory.swift of the executable alone.
#pragma once
#include <stddef.h>

#define CMEMORY_BUFFER(name, capacity)                        \
  enum { cmemory_##name##_capacity = (capacity) };            \
  static inline unsigned char *cmemory_##name(void) {         \
    static _Alignas(16) unsigned char bytes[capacity];        \
    return bytes;                                             \
  }

// The body of a request. A refresh request carries a 16 KiB refresh token, each byte of which may
// need three in form encoding, beside the client's credentials.
CMEMORY_BUFFER(form, 56 * 1024)

// A whole request: the body, or a 16 KiB access token, behind a head of less than 8 KiB.
CMEMORY_BUFFER(request, 64 * 1024)

// The design's limit on a response body, and one byte more to see that it was passed.
CMEMORY_BUFFER(response_body, 64 * 1024 + 1)

// What is read from the socket at a time. One TLS record holds at most 16 KiB, but answers of the
// device grant are short.
CMEMORY_BUFFER(receive, 4 * 1024)

// The design's limit on a token.
CMEMORY_BUFFER(access_token, 16 * 1024)
CMEMORY_BUFFER(refresh_token, 16 * 1024)

// A line with an access token, on its way into the file that publishes it.
CMEMORY_BUFFER(published, 20 * 1024)

// The access token that the socket hands out, while the others are being renewed.
CMEMORY_BUFFER(handed_out, 16 * 1024)

// A line of the socket with an access token.
CMEMORY_BUFFER(answer, 20 * 1024)

// What a hook is told: URIs of at most 3 KiB, a code, a reason of at most 2 KiB.
CMEMORY_BUFFER(facts, 8 * 1024)

// What a command writes: a profile as `whoami` prints it, a body with indentation.
CMEMORY_BUFFER(output, 256 * 1024)

// The same before it is made fit for a terminal.
CMEMORY_BUFFER(draft, 200 * 1024)

// A line of the socket's, at the other end.
CMEMORY_BUFFER(socket_answer, 20 * 1024)

// What it says in words, where two answers are kept: a hint of at most 3 KiB.
CMEMORY_BUFFER(socket_words, 4 * 1024)

// The endpoints that an issuer names: five URLs of 512 bytes.
CMEMORY_BUFFER(metadata, 5 * 512)

// Both tokens as JSON strings, where a byte may need six (\u00XX), beside the other members.
CMEMORY_BUFFER(token_file, 200 * 1024)

// The configuration file: a table of some twenty lines with comments.
CMEMORY_BUFFER(configuration_file, 64 * 1024)

// A client secret of at most 512 bytes, and a line end; more is seen to be too much.
CMEMORY_BUFFER(secret_file, 1024)

// Five URLs of 512 bytes: the endpoints that are written out from a preset.
CMEMORY_BUFFER(endpoints, 5 * 512)

// One bit a pixel: up to 2048x2048.
CMEMORY_BUFFER(canvas, 2048 * 2048 / 8)

// Four pictures, four framebuffers and a console, each with its layout: less than 10 KiB a driver.
CMEMORY_BUFFER(drivers, 96 * 1024)
