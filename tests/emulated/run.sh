#!/usr/bin/env bash
# Runs tests on a processor that is not at hand: Bochs 3 as a Sapphire Rapids (AVX-512 with VNNI, VBMI and BF16; no AMX), booting
# Debian's kernel with nothing but busybox, the tests, and the libraries they need. Some 60 million instructions a second: 80 s to
# boot, then a hundred times as long as here. For what is right, not for what is fast.
#
#     tests/emulated/run.sh BUILD TEST... # tests/emulated/run.sh build augment/test_kernel_colour train/test_convolutions
#
# Needs root and, from Debian 12: debootstrap xorriso isolinux syslinux-common busybox-static cpio. The emulator and the kernel come
# from Debian 13, into ~/.cache/sluice-emulated (1 GB). Two things in Bochs 3.0 are wrong and kept out of its way, unless the
# variables are set: OpenBLAS's AVX-512 kernels meet an instruction it refuses (OPENBLAS_CORETYPE=Haswell), and VCVTNE2PS2BF16 gives
# one operand twice (ONEDNN_MAX_CPU_ISA=AVX512_CORE: oneDNN makes bf16 of other instructions).
set -euo pipefail
[ $# -ge 2 ] || { sed -n '2,/^set/p' "$0" | sed '$d; s/^# \{0,1\}//' >&2; exit 2; }
here=$(cd "$(dirname "$0")/../.." && pwd)
build=$(cd "$1" && pwd)
shift
cache=${XDG_CACHE_HOME:-$HOME/.cache}/sluice-emulated
guest=$cache/debian
work=$guest/work
mirror=http://deb.debian.org/debian

# A desktop's service among what bochs depends on cannot be configured here; nothing needs it.
if [ ! -x "$guest/usr/bin/bochs" ]; then
    mkdir -p "$cache"
    debootstrap --variant=minbase --include=bochs,bochsbios,bochs-term,vgabios trixie "$guest" "$mirror" > "$cache/log" ||
        [ -x "$guest/usr/bin/bochs" ]
fi
if [ ! -d "$cache/kernel" ]; then
    kernel=$(chroot "$guest" apt-cache depends linux-image-cloud-amd64 | sed -n 's/.*Depends: //p')
    chroot "$guest" sh -c "cd /tmp && apt-get download -qq $kernel"
    dpkg-deb -x "$guest"/tmp/linux-image*.deb "$cache/kernel"
fi

# What boots: /init runs the tests, each with its exit status and last lines.
rm -rf "$work"
root=$work/root
mkdir -p "$root"/{bin,proc,sys,dev,tmp} "$root$build" "$work/iso"
cp "$(command -v busybox)" "$root/bin/busybox"
cp -r --parents "$here/tests" "$root"
for test; do
    install -D "$build/tests/$test" "$root$build/tests/$test"
    ldd "$build/tests/$test" | grep -o '/[^ ]*'
done | sort -u | while read -r library; do install -D "$library" "$root$library"; done
find "$root$build" "$root/lib" "$root/usr" -type f \( -perm -100 -o -name '*.so*' \) -exec strip --strip-unneeded {} + 2> /dev/null || true
cat > "$root/init" <<EOF
#!/bin/busybox sh
/bin/busybox --install -s /bin
mount -t proc none /proc; mount -t sysfs none /sys; mount -t devtmpfs none /dev; mount -t tmpfs none /tmp
exec > /dev/ttyS0 2>&1 < /dev/null
export HOME=/tmp OMP_WAIT_POLICY=passive OPENBLAS_CORETYPE=${OPENBLAS_CORETYPE:-Haswell}
export ONEDNN_MAX_CPU_ISA=${ONEDNN_MAX_CPU_ISA:-AVX512_CORE}
cd $here
for test in $*; do
    $build/tests/\$test > /tmp/out 2>&1; status=\$?
    echo "EXIT \$status \$test"; tail -15 /tmp/out
done
echo EMULATED; sleep 5
EOF
chmod +x "$root/init"
(cd "$root" && find . | cpio -o -H newc --quiet) > "$work/iso/initrd"
cp "$cache"/kernel/boot/vmlinuz-* "$work/iso/vmlinuz"
cp /usr/lib/ISOLINUX/isolinux.bin /usr/lib/syslinux/modules/bios/ldlinux.c32 "$work/iso/"
# Features are taken from the kernel that Bochs 3.0 cannot serve it with (517 waitpkg, 600 AMX, 519 and 596 control-flow enforcement).
cat > "$work/iso/isolinux.cfg" <<'EOF'
default l
label l
 kernel vmlinuz
 append initrd=initrd console=ttyS0 rdinit=/init nokaslr mitigations=off lpj=1000000 nowatchdog quiet idle=poll acpi=off nousershstk ibt=off clearcpuid=517,600,519,596
EOF
xorriso -as mkisofs -quiet -o "$work/boot.iso" -b isolinux.bin -c boot.cat -no-emul-boot -boot-load-size 4 -boot-info-table "$work/iso" 2> /dev/null
cat > "$work/bochsrc" <<'EOF'
plugin_ctrl: unmapped=1, biosdev=1, extfpuirq=1, serial=1
display_library: rfb, options="timeout=0"
megs: 2048
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
cpu: model=sapphire_rapids, count=1, ips=100000000
ata0-master: type=cdrom, path=/work/boot.iso, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev=/work/serial
log: /work/log
error: action=ignore
clock: sync=none
EOF
echo c > "$work/continue"
touch "$work/serial"
chroot "$guest" bochs -q -rc /work/continue -f /work/bochsrc > "$work/out" 2>&1 < /dev/null &
emulator=$!
trap 'kill $emulator 2> /dev/null || true' EXIT
until grep -qa '^EMULATED' "$work/serial" || ! kill -0 $emulator 2> /dev/null; do sleep 2; done
tr -d '\r' < "$work/serial" | sed -n '/^EXIT/,$p' | sed '/^EMULATED/,$d'
grep -qa '^EMULATED' "$work/serial" && ! grep -qa '^EXIT [1-9]' "$work/serial"
