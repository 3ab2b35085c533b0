/**
 * Sends COUNT datagrams of LENGTH bytes to PORT of the loopback and prints how many arrived there; ends when all have.
 *
 * @module
 */
import { createSocket } from 'node:dgram';
import { argv } from 'node:process';

const [port = 0, count = 0, length = 0] = argv.slice(2).map(Number);
const socket = createSocket('udp4');
let arrived = 0;

socket.on('message', () => {
  arrived += 1;
  if (arrived < count) return;
  console.log(arrived);
  socket.close();
});
socket.bind(port, '127.0.0.1', () => {
  for (let sent = 0; sent < count; sent += 1) socket.send(Buffer.alloc(length), port, '127.0.0.1');
});
