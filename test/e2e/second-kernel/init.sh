#!/bin/busybox sh
# The first program of the guest. It puts the host's files, read-only and with a layer of memory over them, in the
# place of the root, and runs /run/guest.sh there: all that is installed on the host is there, and nothing that is
# done reaches the host, except for what is written to /report. Then it ends the machine, whatever happened.

end() {
	/bin/busybox echo "guest: $1"
	/bin/busybox reboot -f
}

must() {
	/bin/busybox "$@" || end "cannot $*"
}

if [ "$1" = inside ]; then
	/bin/sh /run/guest.sh < /dev/null
	/bin/busybox echo $? > /report/status
	end 'done'
fi

must mkdir -p /dev /host /layer /root
must mount -t devtmpfs devtmpfs /dev
while read -r module; do
	must insmod "/modules/$module"
done < /modules/order

must mount -t 9p -o ro,trans=virtio,version=9p2000.L,msize=512000,cache=loose host /host
must mount -t tmpfs layer /layer
must mkdir /layer/upper /layer/work
must mount -t overlay -o lowerdir=/host,upperdir=/layer/upper,workdir=/layer/work root /root

must mkdir -p /root/report /root/lib/modules
must mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000 report /root/report
must mount -t proc proc /root/proc
must mount -t sysfs sysfs /root/sys
must mount -t devtmpfs devtmpfs /root/dev
must mkdir -p /root/dev/pts /root/dev/shm
must mount -t devpts devpts /root/dev/pts
for folder in dev/shm run; do
	must mount -t tmpfs tmpfs "/root/$folder"
done

# Where on the host the kernel's modules are: MODULES and VERSION. With the link, the kernel finds them by itself.
. /settings
must ln -s "$MODULES" "/root/lib/modules/$VERSION"
must cp /init /guest.sh /root/run/

# Not in a child: the kernel runs modprobe where its first process has its root.
exec /bin/busybox chroot /root /bin/busybox sh /run/init inside
