// jansson as Swift sees it, with the fixed memory that it works in.
#pragma once
#define _GNU_SOURCE
#include <jansson.h>
#include <pthread.h>
#include <stddef.h>

// A 64 KiB answer (the limit on bodies) that holds two 16 KiB tokens costs about 150 KiB: jansson
// doubles its string buffer while it scans. The rest is for members that nobody reads. Pages that
// are never touched cost nothing.
#define CJANSSON_ARENA_CAPACITY (384 * 1024)

static inline unsigned char *cjansson_arena(void) {
  static _Alignas(16) unsigned char arena[CJANSSON_ARENA_CAPACITY];
  return arena;
}
static inline size_t cjansson_arena_capacity(void) { return CJANSSON_ARENA_CAPACITY; }

// One document at a time lives in the arena. The program has one thread and never waits here; test
// suites run in parallel. The initialiser is a macro. Returns 0, or EDEADLK where this thread
// already holds a document.
static inline pthread_mutex_t *cjansson_arena_lock(void) {
  static pthread_mutex_t lock = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
  return &lock;
}

// json_typeof and its relatives are macros.
static inline int cjansson_is_object(const json_t *value) { return json_is_object(value); }
static inline int cjansson_is_string(const json_t *value) { return json_is_string(value); }
static inline int cjansson_is_integer(const json_t *value) { return json_is_integer(value); }
static inline int cjansson_is_real(const json_t *value) { return json_is_real(value); }
static inline int cjansson_is_null(const json_t *value) { return json_is_null(value); }

// The flags are macros. Strict: no duplicate keys, nothing after the value.
static inline json_t *cjansson_load(const char *text, size_t length, json_error_t *error) {
  return json_loadb(text, length, JSON_REJECT_DUPLICATES, error);
}
// The error's code is kept in its text, behind a function.
static inline int cjansson_is_out_of_memory(const json_error_t *error) {
  return json_error_code(error) == json_error_out_of_memory;
}
