// For the tests' emulated boards: sets a framebuffer's mode, and says where its picture lies, so
// that it can be read from outside of the board.
//
//   framebuffer mode WIDTHxHEIGHT BITS VIRTUAL_WIDTHxVIRTUAL_HEIGHT+X+Y GREY OPACITY
//   framebuffer blacken     make all colours of the palette black
//   framebuffer describe    print the mode, the palette and the memory's page frames
//   framebuffer text        have the text console draw again

#include <err.h>
#include <fcntl.h>
#include <linux/fb.h>
#include <linux/kd.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { COLOURS = 256 };

static uint16_t red[COLOURS], green[COLOURS], blue[COLOURS];
static struct fb_cmap palette = {.len = COLOURS, .red = red, .green = green, .blue = blue};

static void request(int device, unsigned long number, void *argument, const char *name) {
  if (ioctl(device, number, argument) != 0) err(1, "%s", name);
}

static void set_mode(int device, char **words) {
  struct fb_var_screeninfo mode;
  request(device, FBIOGET_VSCREENINFO, &mode, "FBIOGET_VSCREENINFO");
  if (sscanf(words[0], "%ux%u", &mode.xres, &mode.yres) != 2
      || sscanf(words[1], "%u", &mode.bits_per_pixel) != 1
      || sscanf(words[2], "%ux%u+%u+%u", &mode.xres_virtual, &mode.yres_virtual, &mode.xoffset,
                &mode.yoffset) != 4
      || sscanf(words[3], "%u", &mode.grayscale) != 1
      || sscanf(words[4], "%u", &mode.transp.length) != 1)
    errx(1, "bad mode");
  // The text console follows.
  mode.activate = FB_ACTIVATE_NOW | FB_ACTIVATE_FORCE | FB_ACTIVATE_ALL;
  request(device, FBIOPUT_VSCREENINFO, &mode, "FBIOPUT_VSCREENINFO");
}

static void print_run(uint64_t first, uint64_t count) {
  printf("frames %llu %llu\n", (unsigned long long)first, (unsigned long long)count);
}

// One line for each run of page frames: the first, and how many.
static void print_frames(int device, size_t length) {
  size_t page = sysconf(_SC_PAGESIZE);
  volatile uint8_t *memory = mmap(NULL, length, PROT_READ, MAP_SHARED, device, 0);
  int map = open("/proc/self/pagemap", O_RDONLY);
  if (memory == MAP_FAILED || map < 0) err(1, "mmap or pagemap");
  uint64_t first = 0, count = 0;
  for (size_t start = 0; start < length; start += page) {
    (void)memory[start];
    uint64_t entry = 0;
    off_t place = ((uintptr_t)memory + start) / page * sizeof entry;
    if (pread(map, &entry, sizeof entry, place) != sizeof entry) err(1, "pagemap");
    uint64_t frame = entry & ((1ULL << 55) - 1);
    if (frame == 0) errx(1, "a page has no frame");
    if (count > 0 && frame == first + count) {
      count++;
      continue;
    }
    if (count > 0) print_run(first, count);
    first = frame;
    count = 1;
  }
  print_run(first, count);
}

static void describe(int device) {
  struct fb_var_screeninfo mode;
  struct fb_fix_screeninfo fixed;
  request(device, FBIOGET_VSCREENINFO, &mode, "FBIOGET_VSCREENINFO");
  request(device, FBIOGET_FSCREENINFO, &fixed, "FBIOGET_FSCREENINFO");
  request(device, FBIOGETCMAP, &palette, "FBIOGETCMAP");
  printf("size %u %u\noffset %u %u\n", mode.xres, mode.yres, mode.xoffset, mode.yoffset);
  printf("bits %u\nstride %u\n", mode.bits_per_pixel, fixed.line_length);
  printf("visual %u\ngrey %u\n", fixed.visual, mode.grayscale);
  printf("fields %u %u %u %u %u %u %u %u\n", mode.red.offset, mode.red.length, mode.green.offset,
         mode.green.length, mode.blue.offset, mode.blue.length, mode.transp.offset,
         mode.transp.length);
  for (int i = 0; i < COLOURS; i++) printf("colour %u %u %u\n", red[i], green[i], blue[i]);
  print_frames(device, fixed.smem_len);
}

int main(int count, char **words) {
  int device = open("/dev/fb0", O_RDWR);
  if (device < 0) err(1, "/dev/fb0");
  if (count == 7 && strcmp(words[1], "mode") == 0) set_mode(device, words + 2);
  else if (count == 2 && strcmp(words[1], "blacken") == 0)
    request(device, FBIOPUTCMAP, &palette, "FBIOPUTCMAP");
  else if (count == 2 && strcmp(words[1], "describe") == 0) describe(device);
  else if (count == 2 && strcmp(words[1], "text") == 0) {
    int console = open("/dev/tty0", O_WRONLY);
    if (console < 0 || ioctl(console, KDSETMODE, KD_TEXT) != 0) err(1, "KDSETMODE");
  } else errx(64, "see the head of framebuffer.c");
}
