// jansson as Swift sees it, with the fixed memory that it works in.
#pragma once
#include <jansson.h>
#include <pthread.h>
#include <setjmp.h>
#include <stddef.h>
#include <string.h>

// What any answer of 64 KiB (the limit on bodies) takes. The worst is a list of empty objects: of
// three bytes of text comes an object of 208 bytes, and up to 24 in the tables of a growing list.
// Pages that are never touched cost nothing.
#define CJANSSON_ARENA_CAPACITY (81 * 64 * 1024)

// The state. Weak, not static: the optimiser copies callers of the functions below into other
// targets' objects, and there must be one state for them all. Each has a value, since Swift emits
// no definition without.
__attribute__((weak)) _Alignas(16) unsigned char cjansson_arena[CJANSSON_ARENA_CAPACITY] = {0};
__attribute__((weak)) size_t cjansson_arena_used = 0;
__attribute__((weak)) jmp_buf cjansson_exhausted = {0};
__attribute__((weak)) pthread_mutex_t cjansson_lock = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;

// One document at a time lives in the arena. The program has one thread and never waits here; test
// suites run in parallel. Returns 0, or EDEADLK where this thread already holds a document.
static inline int cjansson_begin(void) { return pthread_mutex_lock(&cjansson_lock); }

// Wipes what was used of the arena: documents hold tokens.
static inline void cjansson_wipe(void) {
  explicit_bzero(cjansson_arena, cjansson_arena_used);
  cjansson_arena_used = 0;
}

// Takes the arena back.
static inline void cjansson_end(void) {
  cjansson_wipe();
  pthread_mutex_unlock(&cjansson_lock);
}

// Hands memory out from the front. Where there is none left it does not return: jansson 2.14
// overlooks that its string buffer could not grow, and then reads and writes past the end.
static inline void *cjansson_allocate(size_t size) {
  size_t left = CJANSSON_ARENA_CAPACITY - cjansson_arena_used;
  // Whole lines of 16 bytes, so `left` is one too.
  if (size > left) longjmp(cjansson_exhausted, 1);
  unsigned char *memory = cjansson_arena + cjansson_arena_used;
  cjansson_arena_used += (size + 15) / 16 * 16;
  return memory;
}
// All of it comes back at once.
static inline void cjansson_keep(void *memory) { (void)memory; }

// A copy with DEL for every byte that is not ASCII. No token, URL or word of a protocol holds DEL,
// so none comes of such a byte.
static inline const char *cjansson_ascii(const char *text, size_t length) {
  char *copy = cjansson_allocate(length);
  for (size_t i = 0; i < length; i++) copy[i] = text[i] & 0x80 ? 0x7F : text[i];
  return copy;
}

// The flags are macros, and so is setjmp. Strict: no duplicate keys, nothing after the value. But
// what nobody reads must not spoil the rest: a string with U+0000, an integer of more than 64 bits,
// which becomes a real, bytes that are not UTF-8. NULL with `*is_exhausted` unchanged says that the
// text is not JSON.
static inline json_t *cjansson_load(const char *text, size_t length, int *is_exhausted) {
  json_error_t error;
  json_set_alloc_funcs(cjansson_allocate, cjansson_keep);
  if (setjmp(cjansson_exhausted) != 0) {
    *is_exhausted = 1;
    return NULL;
  }
  // A byte order mark, which readers may skip (RFC 8259 section 8.1).
  if (length >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
    text += 3;
    length -= 3;
  }
  // jansson 2.14 passes over a zero behind a number.
  if (memchr(text, 0, length) != NULL) return NULL;
  size_t flags = JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL;
  int is_ascii = 0;
  for (int attempt = 0;; attempt++) {
    const char *input = is_ascii ? cjansson_ascii(text, length) : text;
    json_t *document = json_loadb(input, length, flags, &error);
    if (document != NULL || attempt == 2) return document;
    switch (json_error_code(&error)) {
      case json_error_numeric_overflow: flags |= JSON_DECODE_INT_AS_REAL; break;
      case json_error_invalid_utf8: is_ascii = 1; break;
      default: return NULL;
    }
    cjansson_wipe();
  }
}

// Writes a value, objects in the order in which they came, one member a line. Returns the number of
// bytes that it takes, which is more than `capacity` where it did not fit, or 0 where it failed.
static inline size_t cjansson_dump(const json_t *value, char *text, size_t capacity) {
  if (setjmp(cjansson_exhausted) != 0) return 0;
  return json_dumpb(
      value, text, capacity, JSON_INDENT(2) | JSON_PRESERVE_ORDER | JSON_ENCODE_ANY);
}

// json_typeof and its relatives are macros. A string with U+0000 in it is none that counts: what
// stands behind that would be another one to C.
static inline int cjansson_is_object(const json_t *value) { return json_is_object(value); }
static inline int cjansson_is_string(const json_t *value) {
  return json_is_string(value) &&
         memchr(json_string_value(value), 0, json_string_length(value)) == NULL;
}
static inline int cjansson_is_integer(const json_t *value) { return json_is_integer(value); }
static inline int cjansson_is_real(const json_t *value) { return json_is_real(value); }
static inline int cjansson_is_null(const json_t *value) { return json_is_null(value); }
