// For LD_PRELOAD: a wall clock that is wrong by as many seconds as the file in WALLCLOCK holds now.
// The clocks since boot, and timers, are left alone, which libfaketime does not do.
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static long long offset(void) {
  char text[32] = {0};
  const char *path = getenv("WALLCLOCK");
  int file = path == NULL ? -1 : open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  ssize_t count = read(file, text, sizeof text - 1);
  close(file);
  return count > 0 ? atoll(text) : 0;
}

int clock_gettime(clockid_t clock, struct timespec *result) {
  int status = (int)syscall(SYS_clock_gettime, clock, result);
  int is_wall = clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
  if (status == 0 && is_wall) result->tv_sec += offset();
  return status;
}

int gettimeofday(struct timeval *restrict result, void *restrict zone) {
  int status = (int)syscall(SYS_gettimeofday, result, zone);
  if (status == 0) result->tv_sec += offset();
  return status;
}

time_t time(time_t *result) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (result != NULL) *result = now.tv_sec;
  return now.tv_sec;
}
