################################################################################
#
# devicegrant
#
################################################################################

# Buildroot has no Swift compiler: DEVICEGRANT_SITE is a checkout in which `board/build` has made
# the binary for the architecture, against the same versions of the libraries as Buildroot's
# (soname for soname), or with --static against its own. Not built in Buildroot yet.
DEVICEGRANT_VERSION = 0.1.0
DEVICEGRANT_SITE = $(BR2_EXTERNAL_DEVICEGRANT_PATH)
DEVICEGRANT_SITE_METHOD = local
DEVICEGRANT_DEPENDENCIES = ca-certificates jansson libqrencode mbedtls

ifeq ($(BR2_aarch64),y)
DEVICEGRANT_ARCHITECTURE = arm64
else ifeq ($(BR2_arm),y)
DEVICEGRANT_ARCHITECTURE = armhf
else
DEVICEGRANT_ARCHITECTURE = amd64
endif

define DEVICEGRANT_INSTALL_TARGET_CMDS
	$(INSTALL) -D -m 0755 $(@D)/.build/board/$(DEVICEGRANT_ARCHITECTURE)/devicegrant \
		$(TARGET_DIR)/usr/bin/devicegrant
	$(INSTALL) -D -m 0640 $(@D)/board/debian/devicegrant.conf $(TARGET_DIR)/etc/devicegrant.conf
endef

define DEVICEGRANT_INSTALL_INIT_SYSV
	$(INSTALL) -D -m 0755 $(@D)/board/init/devicegrant $(TARGET_DIR)/etc/init.d/S70devicegrant
endef

define DEVICEGRANT_INSTALL_INIT_SYSTEMD
	$(INSTALL) -D -m 0644 $(@D)/board/systemd/devicegrant.service \
		$(TARGET_DIR)/usr/lib/systemd/system/devicegrant.service
endef

# The service's user, with its groups.
define DEVICEGRANT_USERS
	devicegrant -1 devicegrant -1 * /var/lib/devicegrant - video,tty,input Sign-in agent
endef

$(eval $(generic-package))
