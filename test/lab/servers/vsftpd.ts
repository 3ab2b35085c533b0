/**
 * vsftpd, one of Debian's packaged servers: anonymous logins, uploads, data from port 20.
 *
 * @module
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { peerPath } from '../peers.js';
import { ANONYMOUS, type ServerProgram, type ServerSite } from './server.js';

/** Its options, by their names in vsftpd.conf(5). */
export type VsftpdOptions = Readonly<Record<string, string | number>>;

/** vsftpd with `extra` options over the usual ones. */
export const vsftpdWith = (extra: VsftpdOptions): ServerProgram => ({
  name: 'vsftpd',
  login: ANONYMOUS,
  activeFromPort20: true,
  prepare: (site) => {
    const configuration = join(site.folder, 'vsftpd.conf');
    const emptyFolder = join(site.folder, 'empty');
    mkdirSync(emptyFolder);
    const options = { ...usualOptions(site, emptyFolder), ...extra };
    writeFileSync(
      configuration,
      Object.entries(options)
        .map(([name, value]) => `${name}=${value}\n`)
        .join(''),
    );
    return Promise.resolve([peerPath('vsftpd', 'usr/sbin/vsftpd'), configuration]);
  },
});

export const vsftpd = vsftpdWith({});

const usualOptions = (site: ServerSite, emptyFolder: string): VsftpdOptions => ({
  background: 'NO',
  listen: 'NO',
  // One IPv6 socket that takes IPv4 too.
  listen_ipv6: 'YES',
  listen_port: site.settings.port,
  // All clients of an experiment come from a few addresses.
  max_clients: 0,
  max_per_ip: 0,
  anonymous_enable: 'YES',
  no_anon_password: 'YES',
  anon_root: site.root,
  anon_upload_enable: 'YES',
  write_enable: 'YES',
  anon_umask: '022',
  // A user whose home exists: it is entered before `anon_root` is.
  ftp_username: 'daemon',
  nopriv_user: 'nobody',
  secure_chroot_dir: emptyFolder,
  connect_from_port_20: 'YES',
  pasv_enable: 'YES',
  pasv_min_port: site.settings.passivePorts[0],
  pasv_max_port: site.settings.passivePorts[1],
  // Its system call filter is older than the kernels it meets.
  seccomp_sandbox: 'NO',
  // A session in a namespace of its own could not be reached.
  isolate_network: 'NO',
  vsftpd_log_file: join(site.folder, 'vsftpd.log'),
  log_ftp_protocol: 'YES',
  xferlog_enable: 'YES',
  xferlog_std_format: 'NO',
});
