// The kernel and libc as Swift sees them: headers, and one function for each thing that the
// importer can't read (macros with casts, variadic functions, bit-field unions).
#pragma once

#define _GNU_SOURCE
// Dates after 2038 on 32-bit ARM. Only here: mbedTLS's headers carry a 32-bit time_t there.
#define _FILE_OFFSET_BITS 64
#define _TIME_BITS 64

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fb.h>
#include <linux/kd.h>
#include <linux/vt.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

// errno is a macro.
static inline int clinux_errno(void) { return errno; }

// open(2) and openat(2) are variadic.
static inline int clinux_openat(int directory, const char *path, int flags, mode_t mode) {
  return openat(directory, path, flags, mode);
}

// fcntl(2) is variadic.
static inline int clinux_set_nonblocking(int descriptor) {
  int flags = fcntl(descriptor, F_GETFL);
  return flags < 0 ? -1 : fcntl(descriptor, F_SETFL, flags | O_NONBLOCK);
}

// ioctl(2) is variadic, and its request numbers are macros with casts.
static inline int clinux_fb_variable_info(int descriptor, struct fb_var_screeninfo *info) {
  return ioctl(descriptor, FBIOGET_VSCREENINFO, info);
}
static inline int clinux_fb_fixed_info(int descriptor, struct fb_fix_screeninfo *info) {
  return ioctl(descriptor, FBIOGET_FSCREENINFO, info);
}
static inline int clinux_fb_unblank(int descriptor) {
  return ioctl(descriptor, FBIOBLANK, FB_BLANK_UNBLANK);
}
// A palette of 256 colours: 16 bits for each of red, green and blue.
static inline int clinux_fb_palette(int descriptor, uint16_t *red, uint16_t *green, uint16_t *blue,
                                    int count) {
  struct fb_cmap map = {.start = 0, .len = count, .red = red, .green = green, .blue = blue};
  return ioctl(descriptor, FBIOGETCMAP, &map);
}
static inline int clinux_window_size(int descriptor, struct winsize *size) {
  return ioctl(descriptor, TIOCGWINSZ, size);
}
static inline int clinux_console_mode(int descriptor, int *mode) {
  return ioctl(descriptor, KDGETMODE, mode);
}
static inline int clinux_set_console_mode(int descriptor, int mode) {
  return ioctl(descriptor, KDSETMODE, mode);
}

// MAP_FAILED is a cast.
static inline int clinux_map_failed(const void *address) { return address == MAP_FAILED; }

// The wait status is read with macros.
static inline int clinux_exit_status(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// The IPv4 and IPv6 address and the port of a socket address.
static inline const void *clinux_address_bytes(const struct sockaddr_storage *address) {
  return address->ss_family == AF_INET6
             ? (const void *)&((const struct sockaddr_in6 *)address)->sin6_addr
             : (const void *)&((const struct sockaddr_in *)address)->sin_addr;
}

// signalfd(2) takes a set that is filled by functions of a pointer to an opaque struct.
static inline int clinux_block_signals(const int *signals, int count) {
  sigset_t set;
  sigemptyset(&set);
  for (int i = 0; i < count; i++) sigaddset(&set, signals[i]);
  if (sigprocmask(SIG_BLOCK, &set, NULL) != 0) return -1;
  return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}
static inline int clinux_unblock_signal(int signal) {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, signal);
  return sigprocmask(SIG_UNBLOCK, &set, NULL);
}
static inline void clinux_unblock_all_signals(void) {
  sigset_t set;
  sigemptyset(&set);
  sigprocmask(SIG_SETMASK, &set, NULL);
}
// SIG_IGN is a cast.
static inline void clinux_ignore_signal(int number) { signal(number, SIG_IGN); }

// Where the environment begins: `environ` is a mutable global.
static inline char **clinux_environment(void) { return environ; }

