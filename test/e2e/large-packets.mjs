/**
 * A server and a client of which the client says much at once, so that its kernel makes packets as large as it can.
 *
 *     large-packets.mjs server ADDRESS LENGTH
 *     large-packets.mjs client ADDRESS
 *
 * The server says when it listens, and answers when it has `LENGTH` bytes more than the login. The client sends what its
 * standard input has, and prints what it is answered.
 *
 * @module
 */
import { connect, createServer } from 'node:net';
import { text } from 'node:stream/consumers';

const PORT = 21;
const LOGIN = 'USER ftp\r\n';
const [role, address, length] = process.argv.slice(2);

function serve() {
  const server = createServer((socket) => {
    let received = 0;
    socket.write('220 ready\r\n');
    socket.on('data', (bytes) => {
      if (received === 0) socket.write('230 in\r\n');
      received += bytes.length;
      if (received === Number(length) + LOGIN.length) socket.end('200 all of it\r\n');
    });
  });
  server.listen(PORT, address, () => {
    console.log('listening');
  });
}

/** @param {string} words */
function speak(words) {
  const socket = connect(PORT, address);
  socket.setEncoding('latin1');
  socket.on('data', (reply) => {
    if (reply.includes('220')) socket.write(LOGIN);
    if (reply.includes('230')) socket.write(words);
    process.stdout.write(String(reply));
  });
}

if (role === 'server') serve();
else speak(await text(process.stdin));
