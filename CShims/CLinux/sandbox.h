// What `run` confines itself with: Landlock and seccomp.
#pragma once

#include <limits.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdint.h>

// Landlock's numbers are written out: headers may be older than the kernel.
enum {
  clinux_landlock_create = 444,
  clinux_landlock_add = 445,
  clinux_landlock_restrict = 446,
  clinux_may_read = 1 << 2 | 1 << 3,  // files, directories
  // Write and make files, directories, links and sockets, truncate, rename, remove.
  clinux_may_change = clinux_may_read | 1 << 1 | 1 << 5 | 1 << 7 | 1 << 8 | 1 << 9 | 1 << 12 |
                      1 << 13 | 1 << 14,
  clinux_may_control = clinux_may_read | 1 << 15,  // ioctl(2) on devices
};

// What Landlock is to forbid: rights on files, on the network, and over other processes.
struct clinux_rules {
  uint64_t files, network, scope;
};

// Allows rights below the directory that a file is in, or is to be made in: where that is missing,
// below the one in which it would be made, but for the root.
static inline CLINUX_SMALL void clinux_allow(int ruleset, const struct clinux_rules *rules,
                                             const void *file, size_t length, uint64_t rights) {
  char place[PATH_MAX] = {0};
  memcpy(place, file, length < sizeof place ? length : 0);
  for (int attempt = 0;; attempt++) {
    char *slash = strrchr(place, '/');
    if (slash == NULL) strcpy(place, "."); else slash[slash == place] = 0;
    if (attempt > 0 && place[1] == 0) return;
    int directory = open(place, O_PATH | O_DIRECTORY | O_CLOEXEC);
    struct { uint64_t rights; int32_t directory; } __attribute__((packed)) rule = {
        rights & rules->files, directory};
    if (directory < 0 && place[1] != 0) continue;
    syscall(clinux_landlock_add, ruleset, 1, &rule, 0);
    close(directory);
    return;
  }
}

// A ruleset that forbids all that this kernel's Landlock can: each right on files, to bind TCP, to
// signal others and to connect to abstract sockets of others. It allows to read what getaddrinfo(3)
// reads whenever a name is looked up, and devices. -1 where there is no Landlock.
static inline CLINUX_SMALL int clinux_new_ruleset(struct clinux_rules *rules) {
  long version = syscall(clinux_landlock_create, NULL, 0, 1);
  if (version < 1) return -1;
  // Execute to make symbolic link; REFER; TRUNCATE; IOCTL_DEV.
  rules->files = ((1 << 13) - 1) | (version > 1) << 13 | (version > 2) << 14 | (version > 4) << 15;
  rules->network = version > 3;
  rules->scope = version > 5 ? 3 : 0;
  int ruleset = (int)syscall(clinux_landlock_create, rules, sizeof *rules, 0);
  static const char places[] = "/dev/\0/etc/\0/lib/\0/lib64/\0/usr/\0/run/\0/tmp/\0";
  uint64_t rights = clinux_may_control;
  for (const char *place = places; ruleset >= 0 && *place != 0; place += strlen(place) + 1) {
    clinux_allow(ruleset, rules, place, strlen(place), rights);
    rights = clinux_may_read;
  }
  // It is a link to some other place where the root is not to be written.
  char file[PATH_MAX];
  if (ruleset >= 0 && realpath("/etc/resolv.conf", file) != NULL) {
    clinux_allow(ruleset, rules, file, strlen(file), rights);
  } else if (ruleset >= 0) {
    // What it leads to may come later.
    ssize_t length = readlink("/etc/resolv.conf", file, sizeof file);
    if (length > 0 && file[0] == '/') clinux_allow(ruleset, rules, file, length, rights);
  }
  return ruleset;
}

// Allows to read, or to change too.
static inline CLINUX_SMALL void clinux_allow_beside(int ruleset, const struct clinux_rules *rules,
                                                    const void *file, size_t length,
                                                    _Bool isChanged) {
  clinux_allow(ruleset, rules, file, length, isChanged ? clinux_may_change : clinux_may_read);
  if (isChanged) return;
  // What is read may be a link to some other place.
  char name[PATH_MAX] = {0}, place[PATH_MAX];
  memcpy(name, file, length < sizeof name ? length : 0);
  if (realpath(name, place) == NULL) return;
  clinux_allow(ruleset, rules, place, strlen(place), clinux_may_read);
}

// Puts a ruleset into force, for good.
static inline CLINUX_SMALL int clinux_restrict(int ruleset) {
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  return (int)syscall(clinux_landlock_restrict, ruleset, 0);
}

#if defined(__x86_64__)
#define CLINUX_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define CLINUX_ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#define CLINUX_ARCHITECTURE AUDIT_ARCH_ARM
#endif

// syscall(2) is variadic.
static inline long clinux_call(long number, long first, long second) {
  return syscall(number, first, second, 0, 0, 0, 0);
}

// Has system calls fail with EPERM that nothing here makes: those by which one process gets at
// another, at the kernel, at mounts or at the clock. Other machines' calls fail too, x32's among
// them.
static inline CLINUX_SMALL int clinux_forbid_calls(void) {
  static const uint16_t forbidden[] = {
      SYS_execve, SYS_execveat, SYS_ptrace, SYS_process_vm_readv, SYS_process_vm_writev, SYS_kcmp,
      SYS_mount, SYS_umount2, SYS_pivot_root, SYS_chroot, SYS_unshare, SYS_setns,
      SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_kexec_load, SYS_reboot,
      SYS_bpf, SYS_perf_event_open, SYS_userfaultfd, SYS_add_key, SYS_request_key, SYS_keyctl,
      SYS_name_to_handle_at, SYS_open_by_handle_at, SYS_swapon, SYS_swapoff, SYS_acct,
      SYS_quotactl, SYS_syslog, SYS_sethostname, SYS_setdomainname, SYS_personality,
      SYS_settimeofday, SYS_clock_settime, SYS_adjtimex, SYS_clock_adjtime, SYS_vhangup,
      SYS_fanotify_init,
      // io_uring, then mounts by descriptor: numbers that all machines share.
      425, 426, 427, 428, 429, 430, 431, 432, 433, 442,
      438,  // pidfd_getfd
      443,  // quotactl_fd
#ifdef SYS_clock_settime64
      SYS_clock_settime64, SYS_clock_adjtime64,
#endif
#ifdef SYS_kexec_file_load
      SYS_kexec_file_load,
#endif
#ifdef SYS_iopl
      SYS_iopl, SYS_ioperm, SYS_modify_ldt,
#endif
  };
  enum { count = sizeof forbidden / sizeof *forbidden, first = 5, end = first + count + 7 };
  // Jumps count from the next instruction.
#define CLINUX_WORD(member) \
  BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, member))
#define CLINUX_TO(target, at) ((target) - (at) - 1)
  struct sock_filter program[end + 3] = {
      CLINUX_WORD(arch),
      BPF_JUMP(BPF_JMP | BPF_JEQ, CLINUX_ARCHITECTURE, 0, CLINUX_TO(end + 1, 1)),
      CLINUX_WORD(nr),
      BPF_JUMP(BPF_JMP | BPF_JGE, 0x40000000, CLINUX_TO(end + 1, 3), 0),
      // clone3(2), whose flags can't be seen: libc takes clone(2) where there is none.
      BPF_JUMP(BPF_JMP | BPF_JEQ, 435, CLINUX_TO(end + 2, 4), 0),
  };
  for (int i = 0; i < count; i++) {
    program[first + i] = (struct sock_filter)BPF_JUMP(
        BPF_JMP | BPF_JEQ, forbidden[i], (uint8_t)CLINUX_TO(end + 1, first + i), 0);
  }
  // ioctl(2) that types for somebody, TIOCSTI and TIOCLINUX; then clone(2) into namespaces of its
  // own: CLONE_NEWNS and the others.
  struct sock_filter last[] = {
      BPF_JUMP(BPF_JMP | BPF_JEQ, SYS_ioctl, 0, 3),
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args) + 8),
      BPF_JUMP(BPF_JMP | BPF_JEQ, 0x5412, CLINUX_TO(end + 1, end - 5), 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ, 0x541C, CLINUX_TO(end + 1, end - 4), CLINUX_TO(end, end - 4)),
      BPF_JUMP(BPF_JMP | BPF_JEQ, SYS_clone, 0, CLINUX_TO(end, end - 3)),
      CLINUX_WORD(args),
      BPF_JUMP(BPF_JMP | BPF_JSET, 0x7E020000, CLINUX_TO(end + 1, end - 1), 0),
      BPF_STMT(BPF_RET, SECCOMP_RET_ALLOW),
      BPF_STMT(BPF_RET, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET, SECCOMP_RET_ERRNO | ENOSYS),
  };
  memcpy(program + end - 7, last, sizeof last);
  struct sock_fprog filter = {end + 3, program};
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter);
}
