// The kernel and libc as Swift sees them: headers, and one function for each thing that the
// importer can't read (macros with casts, variadic functions, bit-field unions).
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/fb.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/input.h>
#include <linux/magic.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <sys/vfs.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

// For what runs once, or seldom. It is weak where more than one object would hold a copy.
#define CLINUX_SMALL __attribute__((minsize))

// errno is a macro.
static inline int clinux_errno(void) { return errno; }

// What the kernel says about a name in a directory, or, where there is none, about the descriptor.
// In types that are the same on every machine: on 32-bit ARM, stat(2) refuses a file that was
// written beyond 2038.
struct clinux_status {
  uint64_t device;
  uint64_t number;
  int64_t seconds;
  uint32_t nanoseconds;
  uint32_t owner;
  uint32_t mode;
  // Why no other file can be put in its place, as errno says it; 0 where one can. Old kernels do
  // not tell of mounts.
  int obstacle;
};
static inline int clinux_status(int directory, const char *name, int flags,
                                struct clinux_status *into) {
  struct statx status;
  if (name == NULL) name = "", flags |= AT_EMPTY_PATH;
  if (statx(directory, name, flags, STATX_BASIC_STATS, &status) != 0) return -1;
  into->device = (uint64_t)status.stx_dev_major << 32 | status.stx_dev_minor;
  into->number = status.stx_ino;
  into->seconds = status.stx_mtime.tv_sec;
  into->nanoseconds = status.stx_mtime.tv_nsec;
  into->owner = status.stx_uid;
  into->mode = status.stx_mode;
  int isFixed = (status.stx_attributes & (STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND)) != 0;
  into->obstacle = status.stx_attributes & STATX_ATTR_MOUNT_ROOT ? EBUSY : isFixed ? EPERM : 0;
  return 0;
}

// Whether what an open directory holds is gone when the power is: a file system in memory.
static inline int clinux_is_volatile(int directory) {
  struct statfs facts;
  if (fstatfs(directory, &facts) != 0) return 0;
  return facts.f_type == TMPFS_MAGIC || (uint32_t)facts.f_type == RAMFS_MAGIC;
}

// A number that is another when a file, to which links may lead, has been written or replaced; 0
// where there is none.
static inline int64_t clinux_generation(const char *path) {
  struct statx status;
  if (statx(AT_FDCWD, path, 0, STATX_CTIME | STATX_INO, &status) != 0) return 0;
  return (int64_t)(status.stx_ino << 32) ^
         (status.stx_ctime.tv_sec * 1000000000 + status.stx_ctime.tv_nsec);
}

// Reads a clock into 64 bits, past 2038 also on 32-bit ARM. Defining _TIME_BITS instead would give
// timespec another shape here than in mbedTLS's module, which Swift refuses.
struct clinux_time {
  int64_t seconds;
  int64_t nanoseconds;
};
static inline struct clinux_time clinux_read_clock(clockid_t clock) {
#ifdef SYS_clock_gettime64
  struct clinux_time wide;
  if (syscall(SYS_clock_gettime64, clock, &wide) == 0) return wide;
#endif
  struct timespec time = {0};
  clock_gettime(clock, &time);
  return (struct clinux_time){time.tv_sec, time.tv_nsec};
}

// open(2) and openat(2) are variadic. What is shown on is opened by the process outside the
// sandbox: a rule for a device would not hold for the one that is plugged in later.
static inline int clinux_ask_to_open(const char *path, int flags);
static inline int clinux_openat(int directory, const char *path, int flags, mode_t mode) {
  int file = openat(directory, path, flags, mode);
  if (file >= 0 || errno != EACCES || directory != AT_FDCWD) return file;
  if ((flags & O_ACCMODE) == O_RDONLY || (flags & O_CREAT) != 0) return -1;
  return clinux_ask_to_open(path, flags);
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
// Makes the palette's first colour black and its sixteenth white, which they are on a text console.
static inline int clinux_fb_set_contrast(int descriptor) {
  uint16_t black = 0, white = UINT16_MAX;
  struct fb_cmap first = {.start = 0, .len = 1, .red = &black, .green = &black, .blue = &black};
  struct fb_cmap last = {.start = 15, .len = 1, .red = &white, .green = &white, .blue = &white};
  return ioctl(descriptor, FBIOPUTCMAP, &first) || ioctl(descriptor, FBIOPUTCMAP, &last) ? -1 : 0;
}
static inline int clinux_window_size(int descriptor, struct winsize *size) {
  return ioctl(descriptor, TIOCGWINSZ, size);
}

// MAP_FAILED is a cast.
static inline int clinux_map_failed(const void *address) { return address == MAP_FAILED; }

// What sockaddr_in and sockaddr_in6 have in front, with room for the rest of both.
struct clinux_address {
  uint16_t family;
  uint16_t port;
  uint32_t rest[6];
};

// What a name leads to: a code of getaddrinfo(3), and some addresses.
enum { clinux_addresses_capacity = 16 };
struct clinux_addresses {
  int32_t code;
  int32_t count;
  struct clinux_address all[clinux_addresses_capacity];
};
// An array is a tuple in Swift.
static inline const struct clinux_address *clinux_address_at(const struct clinux_addresses *list,
                                                             int index) {
  return &list->all[index];
}

// connect(2) takes a transparent union, and families have addresses of different lengths.
static inline int clinux_connect(int descriptor, const struct clinux_address *address) {
  socklen_t length = address->family == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                 : sizeof(struct sockaddr_in);
  return connect(descriptor, (const struct sockaddr *)address, length);
}

// Sockets that receive the kernel's events (netlink(7)), or -1.
static inline int clinux_netlink_events(int protocol, unsigned groups) {
  struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = groups};
  int descriptor = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
  if (descriptor < 0) return -1;
  if (bind(descriptor, (const struct sockaddr *)&address, sizeof address) == 0) return descriptor;
  int failure = errno;
  close(descriptor);
  errno = failure;
  return -1;
}
// About devices: the groups of the kernel and of udev.
static inline int clinux_device_events(void) {
  return clinux_netlink_events(NETLINK_KOBJECT_UEVENT, 1 | 2);
}
// About addresses and routes.
static inline int clinux_network_events(void) {
  return clinux_netlink_events(NETLINK_ROUTE, RTMGRP_IPV4_IFADDR | RTMGRP_IPV4_ROUTE
                                                  | RTMGRP_IPV6_IFADDR | RTMGRP_IPV6_ROUTE);
}

// Sockets with a path. The path must be shorter than `sun_path`.
static inline int clinux_bind_local(int descriptor, const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  return bind(descriptor, (const struct sockaddr *)&address, sizeof address);
}
static inline int clinux_connect_local(int descriptor, const char *path) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  strncpy(address.sun_path, path, sizeof address.sun_path - 1);
  return connect(descriptor, (const struct sockaddr *)&address, sizeof address);
}
// One datagram to the socket whose path, or whose abstract name behind an `@`, is in `path`.
static inline void clinux_send_to_local(const void *path, size_t length, const void *bytes,
                                        size_t count) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  if (length >= sizeof address.sun_path) return;
  memcpy(address.sun_path, path, length);
  if (address.sun_path[0] == '@') address.sun_path[0] = 0;
  int descriptor = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) return;
  sendto(descriptor, bytes, count, MSG_NOSIGNAL, (const struct sockaddr *)&address,
         offsetof(struct sockaddr_un, sun_path) + length);
  close(descriptor);
}
static inline int clinux_accept(int listener) {
  return accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
}

// A group's number, or -1: the memory for its members would be an array in Swift.
static inline int64_t clinux_group_number(const char *name) {
  char members[8192];
  struct group group, *found = NULL;
  if (getgrnam_r(name, &group, members, sizeof members, &found) != 0 || found == NULL) return -1;
  return found->gr_gid;
}

// Has nobody else look at this process's memory, and leaves none of it on a disk: there are secrets
// in it.
static inline void clinux_forbid_dumps(void) {
  struct rlimit none = {0};
  prctl(PR_SET_DUMPABLE, 0);
  setrlimit(RLIMIT_CORE, &none);
}

// Closes all descriptors from `first` on, or with CLOSE_RANGE_CLOEXEC has a program that is run not
// get them; before Linux 5.11 as many as a process has as a rule.
static __attribute__((noinline)) void clinux_close_from(int first, int flags) {
#ifdef SYS_close_range
  if (syscall(SYS_close_range, first, ~0U, flags) == 0) return;
#endif
  for (int descriptor = first; descriptor < 1024; descriptor++) {
    if (flags == 0) close(descriptor); else fcntl(descriptor, F_SETFD, FD_CLOEXEC);
  }
}

// Gives up all capabilities, and has a program that is run get none, not even root's.
static inline void clinux_drop_capabilities(void) {
  for (int capability = 0; prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0; capability++) {}
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};
  syscall(SYS_capset, &header, none);
}

// Looks a host up in a child process (fork(2) can't be called from Swift), which writes a struct
// clinux_addresses to `output`: families in turn, but `preferred` first where it is among them.
// Returns the child's id, or -1.
static inline pid_t clinux_resolve_in_child(const char *host, uint16_t port,
                                            const struct clinux_address *preferred, int output) {
  pid_t child = fork();
  if (child != 0) return child;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  // Of all that it has inherited, the pipe alone: what it loads reads answers from the network.
  if (dup2(output, 0) < 0) _exit(1);
  output = 0;
  clinux_close_from(1, 0);
  struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
  struct addrinfo *first = NULL;
  struct clinux_addresses found = {.code = getaddrinfo(host, NULL, &hints, &first)};
  struct addrinfo *same = first, *other = first;
  while (found.count < clinux_addresses_capacity) {
    while (same != NULL && same->ai_family != first->ai_family) same = same->ai_next;
    while (other != NULL && other->ai_family == first->ai_family) other = other->ai_next;
    struct addrinfo **next =
        same == NULL || (found.count % 2 == 1 && other != NULL) ? &other : &same;
    const struct addrinfo *entry = *next;
    if (entry == NULL) break;
    *next = entry->ai_next;
    if (entry->ai_addrlen > sizeof(struct clinux_address)) continue;
    struct clinux_address *address = &found.all[found.count++];
    memcpy(address, entry->ai_addr, entry->ai_addrlen);
    address->port = htons(port);
    if (memcmp(address, preferred, sizeof *address) == 0) {
      *address = found.all[0];
      found.all[0] = *preferred;
    }
  }
  if (found.code == 0 && found.count == 0) found.code = EAI_NONAME;
  // A pipe keeps a write of less than PIPE_BUF together.
  _exit(write(output, &found, sizeof found) < 0);
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
// SIG_IGN and SIG_DFL are casts.
static inline void clinux_ignore_signal(int number) { signal(number, SIG_IGN); }
static inline void clinux_restore_signal(int number) { signal(number, SIG_DFL); }

// epoll_event is packed on some machines, and holds a union.
static inline int clinux_epoll_control(int queue, int operation, int descriptor, uint32_t events,
                                       uint32_t token) {
  struct epoll_event event = {.events = events, .data.u32 = token};
  return epoll_ctl(queue, operation, descriptor, &event);
}
// Takes one event without waiting: 1, or 0 where there is none.
static inline int clinux_epoll_next(int queue, uint32_t *token) {
  struct epoll_event event;
  int count = epoll_wait(queue, &event, 1, 0);
  if (count == 1) *token = event.data.u32;
  return count;
}

// Sets a timer of timerfd_create(2) to one expiry, in 64 bits for the reason given above. Zero
// seconds and nanoseconds disarm it.
static inline int clinux_set_timer(int timer, int flags, int64_t seconds, int64_t nanoseconds) {
#ifdef SYS_timerfd_settime64
  struct { struct clinux_time interval, value; } wide = {.value = {seconds, nanoseconds}};
  if (syscall(SYS_timerfd_settime64, timer, flags, &wide, NULL) == 0) return 0;
  if (errno != ENOSYS) return -1;
#endif
  if (sizeof(time_t) == 4 && seconds > INT32_MAX) seconds = INT32_MAX;
  struct itimerspec narrow = {.it_value = {.tv_sec = seconds, .tv_nsec = nanoseconds}};
  return timerfd_settime(timer, flags, &narrow, NULL);
}

// `flock` is also the name of a struct.
static inline int clinux_lock(int descriptor, int operation) {
  return flock(descriptor, operation);
}

// Where the environment begins: `environ` is a mutable global.
static inline char **clinux_environment(void) { return environ; }

// What the child of clinux_spawn does; returns only where the program can't be run.
static inline void clinux_become(const char *program, char *const *environment) {
  setsid();
  signal(SIGPIPE, SIG_DFL);
  signal(SIGXFSZ, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0 || dup2(null, STDIN_FILENO) < 0) return;
  // Where we have no standard error, neither has it.
  if (fcntl(STDERR_FILENO, F_GETFD) < 0 && dup2(null, STDERR_FILENO) < 0) return;
  if (dup2(STDERR_FILENO, STDOUT_FILENO) < 0) return;
  clinux_close_from(STDERR_FILENO + 1, CLOSE_RANGE_CLOEXEC);
  clinux_drop_capabilities();
  char *const arguments[] = {(char *)program, NULL};
  execve(program, arguments, environment);
}

// Runs a program in a child process (fork(2) can't be called from Swift). Its environment is those
// of our variables that `keeps` lets through, then `added`: variables that each end with a zero.
// Returns the child's id, or -1 with errno where the program could not be run.
__attribute__((weak, noinline)) CLINUX_SMALL pid_t clinux_spawn(
    const char *program, const char *added, size_t length,
    _Bool (*keeps)(const char *variable)) {
  char *environment[1024];
  size_t count = 0, limit = sizeof environment / sizeof *environment - 1;
  for (char **variable = environ; variable != NULL && *variable != NULL; variable++) {
    if (!keeps(*variable)) continue;
    if (count == limit) return errno = E2BIG, -1;
    environment[count++] = *variable;
  }
  for (size_t start = 0; start < length; start += strlen(added + start) + 1) {
    if (count == limit) return errno = E2BIG, -1;
    environment[count++] = (char *)added + start;
  }
  environment[count] = NULL;
  int report[2], failure = 0;
  if (pipe2(report, O_CLOEXEC) != 0) return -1;
  pid_t child = fork();
  if (child == 0) {
    // Out of the way of the standard descriptors, should one of these be closed.
    int output = fcntl(report[1], F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    clinux_become(program, environment);
    failure = errno;
    _exit(write(output, &failure, sizeof failure) < 0 ? 126 : 127);
  }
  if (child < 0) failure = errno;
  close(report[1]);
  // The pipe closes without a word when the program runs.
  ssize_t size = 0;
  while (child > 0 && (size = read(report[0], &failure, sizeof failure)) < 0 && errno == EINTR) {}
  close(report[0]);
  if (child > 0 && failure == 0) return child;
  if (child > 0) waitpid(child, NULL, 0);
  errno = failure;
  return -1;
}

#include "sandbox.h"
#include "outer.h"
#include "vt.h"
#include "drm.h"
