SUMMARY = "Sign-in agent for boards without a keyboard (RFC 8628)"
SECTION = "base"
# No license has been given yet.
LICENSE = "CLOSED"

# The binary comes from a checkout in which board/build has made it, against the same sonames as
# the layers' libraries or with --static: set DEVICEGRANT_CHECKOUT in local.conf. The layers have to
# have mbedtls, jansson and qrencode (meta-oe). Not built with BitBake yet.
DEVICEGRANT_CHECKOUT ?= ""
inherit externalsrc systemd useradd update-rc.d
EXTERNALSRC = "${DEVICEGRANT_CHECKOUT}"

DEPENDS = "jansson mbedtls qrencode"
RDEPENDS:${PN} = "ca-certificates"
COMPATIBLE_HOST = "(aarch64|arm|x86_64).*-linux"

DEVICEGRANT_ARCHITECTURE:aarch64 = "arm64"
DEVICEGRANT_ARCHITECTURE:arm = "armhf"
DEVICEGRANT_ARCHITECTURE:x86-64 = "amd64"

SYSTEMD_SERVICE:${PN} = "devicegrant.service"
INITSCRIPT_NAME = "devicegrant"
INITSCRIPT_PARAMS = "defaults 70"
USERADD_PACKAGES = "${PN}"
GROUPADD_PARAM:${PN} = "--system input"
USERADD_PARAM:${PN} = "--system --home /var/lib/devicegrant --no-create-home \
    --groups video,tty,input --user-group devicegrant"
CONFFILES:${PN} = "${sysconfdir}/devicegrant.conf"
FILES:${PN} += "${systemd_system_unitdir}"

do_compile[noexec] = "1"

do_install() {
    install -D -m 0755 ${S}/.build/board/${DEVICEGRANT_ARCHITECTURE}/devicegrant \
        ${D}${bindir}/devicegrant
    install -D -m 0640 ${S}/board/debian/devicegrant.conf ${D}${sysconfdir}/devicegrant.conf
    install -D -m 0755 ${S}/board/init/devicegrant ${D}${sysconfdir}/init.d/devicegrant
    install -D -m 0644 ${S}/board/systemd/devicegrant.service \
        ${D}${systemd_system_unitdir}/devicegrant.service
}
