// jansson as Swift sees it, with the fixed memory that it works in.
#pragma once
#define _GNU_SOURCE
#include <jansson.h>
#include <pthread.h>
#include <setjmp.h>
#include <stddef.h>
#include <string.h>

// A 64 KiB answer (the limit on bodies) that holds two 16 KiB tokens costs about 150 KiB: jansson
// doubles its string buffer while it scans. The rest is for members that nobody reads. Pages that
// are never touched cost nothing.
#define CJANSSON_ARENA_CAPACITY (384 * 1024)

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

// Takes the arena back and wipes what was used of it: documents hold tokens.
static inline void cjansson_end(void) {
  explicit_bzero(cjansson_arena, cjansson_arena_used);
  cjansson_arena_used = 0;
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

// The flags are macros, and so is setjmp. Strict: no duplicate keys, nothing after the value.
// NULL with `*is_exhausted` unchanged says that the text is not JSON.
static inline json_t *cjansson_load(const char *text, size_t length, int *is_exhausted) {
  json_error_t error;
  json_set_alloc_funcs(cjansson_allocate, cjansson_keep);
  if (setjmp(cjansson_exhausted) != 0) {
    *is_exhausted = 1;
    return NULL;
  }
  json_t *document = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
  if (document != NULL || json_error_code(&error) != json_error_numeric_overflow) return document;
  // Somewhere stands an integer of more than 64 bits, which need not be one that anybody reads.
  explicit_bzero(cjansson_arena, cjansson_arena_used);
  cjansson_arena_used = 0;
  return json_loadb(text, length, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, &error);
}

// Writes a document, in the order in which it came, one member a line. Returns the number of bytes
// that it takes, which is more than `capacity` where it did not fit, or 0 where it failed.
static inline size_t cjansson_dump(const json_t *document, char *text, size_t capacity) {
  if (setjmp(cjansson_exhausted) != 0) return 0;
  return json_dumpb(document, text, capacity, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
}

// json_typeof and its relatives are macros.
static inline int cjansson_is_object(const json_t *value) { return json_is_object(value); }
static inline int cjansson_is_string(const json_t *value) { return json_is_string(value); }
static inline int cjansson_is_integer(const json_t *value) { return json_is_integer(value); }
static inline int cjansson_is_real(const json_t *value) { return json_is_real(value); }
static inline int cjansson_is_null(const json_t *value) { return json_is_null(value); }
