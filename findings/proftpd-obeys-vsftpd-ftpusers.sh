#!/usr/bin/env bash
# The package of one FTP server decides whom another FTP server lets in.
#
# A good practitioner would guess that two servers with configurations of their own do not read each other's files.
#
# What happens: ProFTPD obeys /etc/ftpusers unless told otherwise (UseFtpUsers is on by default), but Debian's package of
# ProFTPD brings no such file. Debian's package of vsftpd does, for its PAM service, and lists system users in it. As
# soon as that file is there, the same ProFTPD with the same configuration and the same password answers 530 to one of
# these users. The two packages conflict, but the file is a conffile: it stays when vsftpd is removed and not purged, so the
# change of servers is what breaks the logins. `UseFtpUsers off` is the remedy.
#
# Versions: Debian 12, proftpd-core 1.3.8+dfsg-4+deb12u5, vsftpd 3.0.3-13+b2.
# Source: ProFTPD's directive UseFtpUsers; the file list of the package vsftpd.
#
# Needs root (a mount and a network namespace of its own), apt-get, curl and openssl. Exits 1 if the behaviour changes.
set -euo pipefail

PROFTPD=1.3.8+dfsg-4+deb12u5
VSFTPD=3.0.3-13+b2

if [ "${1:-}" != inside ]; then
  work=$(mktemp -d)
  trap 'rm -rf "$work"' EXIT
  chmod 755 "$work"
  (cd "$work" && apt-get -qq -o APT::Sandbox::User=root download "proftpd-core=$PROFTPD" "vsftpd=$VSFTPD" "libmemcached11" "libhashkit2" "libsodium23" "libpcre2-posix3" >&2)
  for package in "$work"/*.deb; do dpkg-deb -x "$package" "$work/root"; done
  unshare --mount --net bash "$0" inside "$work"
  exit
fi

work=$2
ip link set lo up
mkdir -p "$work/etc" "$work/files" "$work/run"
for name in passwd group nsswitch.conf hosts services protocols; do cp "/etc/$name" "$work/etc/" 2>/dev/null || true; done
cp -a /etc/ld.so.cache /etc/alternatives /etc/ssl "$work/etc/" 2>/dev/null || true
printf '%s\n' "nobody:$(openssl passwd -5 secret):65534:65534::$work/files:/bin/sh" >"$work/users"
chmod 600 "$work/users"
cat >"$work/proftpd.conf" <<CONF
ServerType standalone
Port 2121
User nobody
Group nogroup
AuthOrder mod_auth_file.c
AuthUserFile $work/users
RequireValidShell off
UseReverseDNS off
WtmpLog off
PidFile $work/run/pid
ScoreboardFile $work/run/score
DelayEngine off
SystemLog $work/run/log
CONF
mount --bind "$work/etc" /etc

# Prints the server's last reply to PASS.
login() {
  LD_LIBRARY_PATH="$work/root/usr/lib/x86_64-linux-gnu" "$work/root/usr/sbin/proftpd" -n -q -c "$work/proftpd.conf" \
    >"$work/run/out" 2>&1 &
  local server=$!
  for _ in $(seq 50); do
    (exec 3<>/dev/tcp/127.0.0.1/2121) 2>/dev/null && break
    sleep 0.1
  done
  curl -sv --user nobody:secret ftp://127.0.0.1:2121/ 2>&1 | grep -oE '^< (230|530)' | tail -1 | tr -d '< ' || cat "$work/run/out"
  kill "$server"
  wait "$server" 2>/dev/null || true
}

"$work/root/usr/sbin/proftpd" --version 2>&1 || true
without=$(login)
cp "$work/root/etc/ftpusers" /etc/ftpusers
with=$(login)
echo "nobody is in vsftpd's /etc/ftpusers: $(grep -c '^nobody$' "$work/root/etc/ftpusers")"
echo "without /etc/ftpusers: $without"
echo "with vsftpd's /etc/ftpusers: $with"
[ "$without" = 230 ] && [ "$with" = 530 ]
