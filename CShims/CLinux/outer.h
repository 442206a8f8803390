// The two processes of `run`: OuterProcess.swift has the theory. The outer one is in C since it is
// system calls and little else; in Swift it took three times the room.
#pragma once

#include <poll.h>
#include <sys/uio.h>

// What the inner process asks of the outer one, by a number and texts.
enum {
  // Opens a panel: flags, and a path with a zero behind it. The answer is a descriptor.
  clinux_order_open,
  // Names a program that may be run; an empty text is the last.
  clinux_order_permit,
  // Runs a program: its path with a zero behind it, and variables. The answer is its number.
  clinux_order_spawn,
  // Says how a program has ended, by its number, as waitpid(2) does; EAGAIN where it has not.
  clinux_order_reap,
  // Ends a program, by its number, and its group.
  clinux_order_kill,
  // The same, and waits for its end.
  clinux_order_end,
  // Tells the service manager that all is ready (1), or gives it a sign of life (0).
  clinux_order_tell,
  // Says whether the configuration, as it is by now, is good: 0 if so.
  clinux_order_check,
  // Runs this program again, in the place of both processes.
  clinux_order_renew,
};
struct clinux_order {
  int32_t kind, number;
};

// The inner process's end of the line to the outer one; -1 where this process is not divided.
__attribute__((weak)) int clinux_line = -1;
static inline CLINUX_SMALL _Bool clinux_is_divided(void) { return clinux_line >= 0; }

// A message's descriptor.
union clinux_passing {
  struct cmsghdr head;
  char room[CMSG_SPACE(sizeof(int))];
};

// Has the outer process do something, and waits for its answer: 0 or more, or a descriptor, or -1
// and errno.
__attribute__((weak, noinline)) CLINUX_SMALL int clinux_ask(
    int32_t kind, int32_t number, const void *text, size_t length, const void *more, size_t size) {
  struct clinux_order order = {kind, number};
  int32_t answer = -EPIPE;
  union clinux_passing passing;
  struct iovec parts[] = {{&order, sizeof order}, {(void *)text, length}, {(void *)more, size}};
  struct msghdr message = {.msg_iov = parts, .msg_iovlen = 3};
  if (sendmsg(clinux_line, &message, MSG_NOSIGNAL) < 0) return -1;
  parts[0] = (struct iovec){&answer, sizeof answer};
  message = (struct msghdr){.msg_iov = parts, .msg_iovlen = 1, .msg_control = &passing,
                            .msg_controllen = sizeof passing};
  while (recvmsg(clinux_line, &message, MSG_CMSG_CLOEXEC) < 0 && errno == EINTR) {}
  if (message.msg_controllen >= CMSG_LEN(sizeof(int)) && answer == 0) {
    memcpy(&answer, CMSG_DATA(&passing.head), sizeof answer);
  }
  if (answer >= 0) return answer;
  errno = -answer;
  return -1;
}

static inline CLINUX_SMALL int clinux_ask_to_open(const char *path, int flags) {
  if (!clinux_is_divided()) return errno = EACCES, -1;
  return clinux_ask(clinux_order_open, flags, path, strlen(path) + 1, NULL, 0);
}

// A child process that ends when this one does: fork(2) can't be called from Swift.
static inline CLINUX_SMALL pid_t clinux_fork(void) {
  pid_t child = fork();
  if (child == 0) prctl(PR_SET_PDEATHSIG, SIGKILL);
  return child;
}

// What the outer process knows.
struct clinux_outer {
  int line, signals;
  pid_t inner;
  // A signal that is to end the inner process, or 0.
  int ending;
  char **words;
  _Bool (*keeps)(const char *variable);
  // The programs that may be run, one for each event, each with a zero behind it.
  char programs[5 * PATH_MAX];
  size_t length;
  _Bool isSealed;
  // Of the order that has come.
  char text[4 * PATH_MAX];
};

// Whether a descriptor is what pictures go to: the text console that is seen (tty0), a framebuffer
// or a graphics card.
static inline CLINUX_SMALL _Bool clinux_is_panel(int descriptor) {
  struct statx status;
  if (statx(descriptor, "", AT_EMPTY_PATH, STATX_TYPE, &status) != 0) return 0;
  unsigned type = status.stx_rdev_major;
  _Bool isConsole = type == 4 && status.stx_rdev_minor == 0;
  return S_ISCHR(status.stx_mode) && (isConsole || type == 29 || type == 226);
}

// Opens such a device, and no other file: -1 and errno.
static inline CLINUX_SMALL int clinux_open_panel(const char *path, int flags) {
  // What is looked at is what is opened: some devices do something then, and a name can be changed.
  int place = open(path, O_PATH | O_CLOEXEC), device = -1;
  if (place < 0) return -1;
  errno = EACCES;
  if (clinux_is_panel(place)) {
    char name[] = "/proc/self/fd/0123456789";
    snprintf(name, sizeof name, "/proc/self/fd/%d", place);
    device = open(name, (flags & (O_ACCMODE | O_NONBLOCK)) | O_NOCTTY | O_CLOEXEC);
  }
  int failure = errno;
  close(place);
  errno = failure;
  return device;
}

// Whether a variable is one of those that a hook is told facts by: a dynamic linker heeds others,
// and so does this program's own configuration.
static inline CLINUX_SMALL _Bool clinux_is_fact(const char *variable) {
  static const char facts[] = "EVENT=\0USER_CODE=\0VERIFICATION_URI=\0VERIFICATION_URI_COMPLETE=\0"
                              "EXPIRES_IN=\0EXPIRES_AT=\0SCOPE=\0REASON=\0FAULT=\0";
  if (strncmp(variable, "DEVICEGRANT_", 12) != 0) return 0;
  for (const char *fact = facts; *fact != 0; fact += strlen(fact) + 1) {
    if (strncmp(variable + 12, fact, strlen(fact)) == 0) return 1;
  }
  return 0;
}

// Runs a program that was named, with facts.
static inline CLINUX_SMALL pid_t clinux_run(struct clinux_outer *self, size_t length) {
  const char *program = self->programs, *end = program + self->length;
  size_t start = strlen(self->text) + 1;
  while (program < end && memcmp(program, self->text, start) != 0) program += strlen(program) + 1;
  errno = EPERM;
  if (program >= end || start > length) return -1;
  for (size_t next = start; next < length; next += strlen(self->text + next) + 1) {
    if (!clinux_is_fact(self->text + next)) return -1;
  }
  return clinux_spawn(program, self->text + start, length - start, self->keeps);
}

// Whether a number is that of a program that was run and not taken back yet.
static inline CLINUX_SMALL _Bool clinux_is_program(const struct clinux_outer *self, pid_t number) {
  if (number > 1 && number != self->inner &&
      waitid(P_PID, number, NULL, WEXITED | WNOHANG | WNOWAIT) == 0) return 1;
  errno = ECHILD;
  return 0;
}

// Reaps or ends a program.
static inline CLINUX_SMALL int clinux_see_to(const struct clinux_outer *self, int32_t kind,
                                             pid_t number) {
  if (!clinux_is_program(self, number)) return -1;
  int status = 0;
  if (kind != clinux_order_reap) kill(-number, SIGKILL);
  if (kind == clinux_order_kill) return 0;
  if (waitpid(number, &status, kind == clinux_order_reap ? WNOHANG : 0) == 0) {
    errno = EAGAIN;
    return -1;
  }
  return status;
}

static inline CLINUX_SMALL int clinux_tell_manager(int32_t isReady) {
  const char *socket = getenv("NOTIFY_SOCKET"), *words = isReady ? "READY=1" : "WATCHDOG=1";
  if (socket != NULL) clinux_send_to_local(socket, strlen(socket), words, strlen(words));
  return 0;
}

static inline CLINUX_SMALL int clinux_renew(const struct clinux_outer *self) {
  const char *program = "/proc/self/exe";
  int file = open(program, O_PATH | O_CLOEXEC);
  if (file < 0) return -1;
  close(file);
  kill(self->inner, SIGKILL);
  waitpid(self->inner, NULL, 0);
  // It may have come too late for that one; it waits for the next.
  if (self->ending != 0) raise(self->ending);
  execve(program, self->words, environ);
  _exit(1);
}

static inline CLINUX_SMALL int clinux_permit(struct clinux_outer *self, size_t length) {
  errno = EPERM;
  self->isSealed |= length == 0;
  // With the zero behind it.
  length += 1;
  if (self->isSealed || self->length + length > sizeof self->programs) return -1;
  memcpy(self->programs + self->length, self->text, length);
  self->length += length;
  return 0;
}

// Ends as the inner process has ended, or does.
static inline CLINUX_SMALL void clinux_end_with_inner(const struct clinux_outer *self, int flags) {
  int status;
  if (waitpid(self->inner, &status, flags) <= 0) return;
  if (WIFEXITED(status)) _exit(WEXITSTATUS(status));
  clinux_unblock_signal(WTERMSIG(status));
  signal(WTERMSIG(status), SIG_DFL);
  raise(WTERMSIG(status));
  _exit(1);
}

// Passes signals on. What else has ended is a program, and the inner process asks for it.
static inline CLINUX_SMALL void clinux_pass_signals_on(struct clinux_outer *self) {
  struct signalfd_siginfo signal;
  while (read(self->signals, &signal, sizeof signal) == sizeof signal) {
    int number = (int)signal.ssi_signo;
    if (number == SIGCHLD) clinux_end_with_inner(self, WNOHANG);
    if (number == SIGTERM || number == SIGINT) self->ending = number;
    kill(self->inner, number);
  }
}

// Does what an order says, and answers. Returns whether this is a process that is to check the
// configuration, and say by its exit code whether it is good: what is read may be secret.
static inline CLINUX_SMALL _Bool clinux_obey(struct clinux_outer *self, struct clinux_order order,
                                size_t length) {
  int answer = -1, number = order.number;
  _Bool isDevice = order.kind == clinux_order_open;
  errno = EINVAL;
  switch (order.kind) {
    case clinux_order_open: answer = clinux_open_panel(self->text, number); break;
    case clinux_order_permit: answer = clinux_permit(self, length); break;
    case clinux_order_spawn: answer = clinux_run(self, length); break;
    case clinux_order_reap:
    case clinux_order_kill:
    case clinux_order_end: answer = clinux_see_to(self, order.kind, number); break;
    case clinux_order_tell: answer = clinux_tell_manager(number); break;
    case clinux_order_renew: answer = clinux_renew(self); break;
    case clinux_order_check: {
      pid_t child = clinux_fork();
      if (child == 0) return 1;
      if (child > 0) waitpid(child, &answer, 0);
    }
  }
  int32_t value = answer < 0 ? -errno : isDevice ? 0 : answer;
  struct iovec part = {&value, sizeof value};
  union clinux_passing passing = {.head = {CMSG_LEN(sizeof answer), SOL_SOCKET, SCM_RIGHTS}};
  memcpy(CMSG_DATA(&passing.head), &answer, sizeof answer);
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = &passing,
                           .msg_controllen = isDevice && answer >= 0 ? sizeof passing : 0};
  sendmsg(self->line, &message, MSG_NOSIGNAL);
  if (isDevice && answer >= 0) close(answer);
  return 0;
}

// Waits for signals and orders. Returns only as clinux_obey does.
static inline CLINUX_SMALL void clinux_guard(struct clinux_outer *self) {
  struct pollfd both[] = {{self->line, POLLIN, 0}, {self->signals, POLLIN, 0}};
  while (poll(both, 2, -1) >= 0 || errno == EINTR) {
    if (both[1].revents != 0) clinux_pass_signals_on(self);
    if (both[0].revents == 0) continue;
    struct clinux_order order;
    struct iovec parts[] = {{&order, sizeof order}, {self->text, sizeof self->text - 16}};
    ssize_t length = readv(self->line, parts, 2) - (ssize_t)sizeof order;
    if (length >= 0) {
      self->text[length] = 0;
      if (clinux_obey(self, order, length)) return;
    } else {
      clinux_end_with_inner(self, 0);
    }
  }
  _exit(1);
}

// Divides this process. Returns 0 in the inner process, which ends when the outer one does; 1 in
// those that are to check the configuration; -1 where it does not work.
//
// signals: where the outer process takes them. words: the command line. keeps: as for clinux_spawn.
static inline CLINUX_SMALL int clinux_divide(int signals, char **words,
                                             _Bool (*keeps)(const char *variable)) {
  // Touched by the outer process alone, where it is needed.
  static struct clinux_outer self;
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return -1;
  pid_t outer = getpid(), inner = fork();
  if (inner < 0) return -1;
  close(ends[inner != 0]);
  if (inner == 0) {
    clinux_line = ends[1];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    return getppid() == outer ? 0 : -1;
  }
  self.line = ends[0];
  self.signals = signals;
  self.inner = inner;
  self.words = words;
  self.keeps = keeps;
  clinux_guard(&self);
  return 1;
}
