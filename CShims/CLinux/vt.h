// The text consoles of the kernel (console_ioctl(4)), and which of them a framebuffer shows.
// Included by linux.h.
#pragma once

#include <linux/kd.h>
#include <linux/vt.h>
#include <sys/sysmacros.h>

static inline int clinux_vt_mode(int descriptor, int *mode) {
  return ioctl(descriptor, KDGETMODE, mode);
}
static inline int clinux_vt_set_mode(int descriptor, int mode) {
  return ioctl(descriptor, KDSETMODE, mode);
}
// The number of the console that is to be seen, or -1.
static inline int clinux_vt_active(int descriptor) {
  struct vt_stat state;
  return ioctl(descriptor, VT_GETSTATE, &state) == 0 ? state.v_active : -1;
}
// Whether an open file is the console of that number.
static inline _Bool clinux_is_console(int descriptor, int console) {
  struct stat status;
  return fstat(descriptor, &status) == 0 && S_ISCHR(status.st_mode)
         && status.st_rdev == makedev(4, (unsigned)console);
}
// The number of the framebuffer that shows that console, or -1.
static inline int clinux_fb_of_console(int descriptor, int console) {
  struct fb_con2fbmap map = {.console = console};
  return ioctl(descriptor, FBIOGET_CON2FBMAP, &map) == 0 ? (int)map.framebuffer : -1;
}
// The minor number of an open device, or -1.
static inline int clinux_minor(int descriptor) {
  struct stat status;
  return fstat(descriptor, &status) == 0 ? (int)minor(status.st_rdev) : -1;
}
