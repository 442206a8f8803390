// Kernel mode setting, as far as it takes to show one picture (drm-kms(7), drm-memory(7)).
// Included by linux.h.
//
// Debian has the kernel's drm.h and drm_mode.h for foreign architectures and in libdrm-dev only.
// These are their structures and numbers, which the kernel keeps for ever; the names differ so
// that they get along with the original.
#pragma once

#define CLINUX_DRM(number, type) _IOWR('d', number, type)

#define CLINUX_DRM_CAP_DUMB_PREFERRED_DEPTH 3
#define CLINUX_DRM_MODE_TYPE_PREFERRED 8
// The values of the kernel's drm_connector_status.
#define CLINUX_DRM_CONNECTED 1
#define CLINUX_DRM_CONNECTION_UNKNOWN 3

struct clinux_drm_get_cap {
  uint64_t capability, value;
};
struct clinux_drm_mode_modeinfo {
  uint32_t clock;
  uint16_t hdisplay, hsync_start, hsync_end, htotal, hskew;
  uint16_t vdisplay, vsync_start, vsync_end, vtotal, vscan;
  uint32_t vrefresh, flags, type;
  char name[32];
};
struct clinux_drm_mode_card_res {
  uint64_t fb_id_ptr, crtc_id_ptr, connector_id_ptr, encoder_id_ptr;
  uint32_t count_fbs, count_crtcs, count_connectors, count_encoders;
  uint32_t min_width, max_width, min_height, max_height;
};
struct clinux_drm_mode_crtc {
  uint64_t set_connectors_ptr;
  uint32_t count_connectors, crtc_id, fb_id, x, y, gamma_size, mode_valid;
  struct clinux_drm_mode_modeinfo mode;
};
struct clinux_drm_mode_get_encoder {
  uint32_t encoder_id, encoder_type, crtc_id, possible_crtcs, possible_clones;
};
struct clinux_drm_mode_get_connector {
  uint64_t encoders_ptr, modes_ptr, props_ptr, prop_values_ptr;
  uint32_t count_modes, count_props, count_encoders;
  uint32_t encoder_id, connector_id, connector_type, connector_type_id;
  uint32_t connection, mm_width, mm_height, subpixel, pad;
};
struct clinux_drm_mode_fb_cmd {
  uint32_t fb_id, width, height, pitch, bpp, depth, handle;
};
struct clinux_drm_mode_fb_dirty_cmd {
  uint32_t fb_id, flags, color, num_clips;
  uint64_t clips_ptr;
};
struct clinux_drm_mode_create_dumb {
  uint32_t height, width, bpp, flags, handle, pitch;
  uint64_t size;
};
struct clinux_drm_mode_map_dumb {
  uint32_t handle, pad;
  uint64_t offset;
};

// 0 where the card does not know the capability.
static inline uint64_t clinux_drm_capability(int descriptor, int capability) {
  struct clinux_drm_get_cap argument = {.capability = (uint64_t)capability};
  return ioctl(descriptor, CLINUX_DRM(0x0C, struct clinux_drm_get_cap), &argument) == 0
             ? argument.value : 0;
}
static inline int clinux_drm_set_master(int descriptor) {
  return ioctl(descriptor, _IO('d', 0x1E), 0);
}
static inline int clinux_drm_drop_master(int descriptor) {
  return ioctl(descriptor, _IO('d', 0x1F), 0);
}
// What the kernel calls a pointer is 64 bits wide everywhere.
static inline int clinux_drm_resources(int descriptor, struct clinux_drm_mode_card_res *argument,
                                       uint32_t *crtcs, uint32_t *connectors) {
  argument->crtc_id_ptr = (uintptr_t)crtcs;
  argument->connector_id_ptr = (uintptr_t)connectors;
  return ioctl(descriptor, CLINUX_DRM(0xA0, struct clinux_drm_mode_card_res), argument);
}
static inline int clinux_drm_crtc(int descriptor, struct clinux_drm_mode_crtc *argument) {
  return ioctl(descriptor, CLINUX_DRM(0xA1, struct clinux_drm_mode_crtc), argument);
}
static inline int clinux_drm_set_crtc(int descriptor, struct clinux_drm_mode_crtc *argument,
                                      uint32_t connector) {
  argument->set_connectors_ptr = (uintptr_t)&connector;
  argument->count_connectors = 1;
  return ioctl(descriptor, CLINUX_DRM(0xA2, struct clinux_drm_mode_crtc), argument);
}
static inline int clinux_drm_encoder(int descriptor,
                                     struct clinux_drm_mode_get_encoder *argument) {
  return ioctl(descriptor, CLINUX_DRM(0xA6, struct clinux_drm_mode_get_encoder), argument);
}
static inline int clinux_drm_connector(int descriptor,
                                       struct clinux_drm_mode_get_connector *argument,
                                       struct clinux_drm_mode_modeinfo *modes,
                                       uint32_t *encoders) {
  argument->modes_ptr = (uintptr_t)modes;
  argument->encoders_ptr = (uintptr_t)encoders;
  return ioctl(descriptor, CLINUX_DRM(0xA7, struct clinux_drm_mode_get_connector), argument);
}
static inline int clinux_drm_add_fb(int descriptor, struct clinux_drm_mode_fb_cmd *argument) {
  return ioctl(descriptor, CLINUX_DRM(0xAE, struct clinux_drm_mode_fb_cmd), argument);
}
static inline int clinux_drm_dirty_fb(int descriptor, uint32_t framebuffer) {
  struct clinux_drm_mode_fb_dirty_cmd argument = {.fb_id = framebuffer};
  return ioctl(descriptor, CLINUX_DRM(0xB1, struct clinux_drm_mode_fb_dirty_cmd), &argument);
}
static inline int clinux_drm_create_dumb(int descriptor,
                                         struct clinux_drm_mode_create_dumb *argument) {
  return ioctl(descriptor, CLINUX_DRM(0xB2, struct clinux_drm_mode_create_dumb), argument);
}
static inline int clinux_drm_map_dumb(int descriptor, struct clinux_drm_mode_map_dumb *argument) {
  return ioctl(descriptor, CLINUX_DRM(0xB3, struct clinux_drm_mode_map_dumb), argument);
}

// off_t has another name in Swift on each machine.
static inline void *clinux_map(int descriptor, size_t length, int64_t offset) {
  return mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, offset);
}
