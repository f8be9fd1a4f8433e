import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';

/** A mail server on the loopback interface that counts what it takes. */
export type PostOffice = {
  readonly port: number;
  sent: number;
  /** Told when a mail is taken, before that is answered. */
  onMail: () => void;
  readonly close: () => void;
};

export async function startPostOffice(): Promise<PostOffice> {
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    disableReverseLookup: true,
    closeTimeout: 50,
    onData(stream, _session, callback) {
      stream.resume();
      stream.on('end', () => {
        office.sent += 1;
        office.onMail();
        callback();
      });
    },
  });
  server.on('error', () => {});
  await new Promise<void>((resolve) => server.server.listen(0, '127.0.0.1', () => resolve()));
  const office: PostOffice = {
    port: (server.server.address() as AddressInfo).port,
    sent: 0,
    onMail: () => {},
    close: () => server.close(() => {}),
  };
  return office;
}
