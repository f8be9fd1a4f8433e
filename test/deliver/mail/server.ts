import { readFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import type { SmtpSettings } from '../../../pipeline/deliver/mail/smtp.ts';
import { ROOT } from '../../helpers/run.ts';

const fixture = (name: string): string => readFileSync(join(ROOT, 'fixtures', 'smtp', name), 'utf8');
export const CERTIFICATE = fixture('test-only-cert.pem');
const KEY = fixture('test-only-key.pem');

/** A mail that a server took, as it came over the wire, and for whom. */
type Delivery = { readonly to: readonly string[]; readonly text: string };
export type TestServer = {
  readonly port: number;
  readonly deliveries: readonly Delivery[];
  readonly close: () => Promise<void>;
  /** Ends all connections at once. */
  readonly cut: () => void;
};

const listening = (server: Server): Promise<number> =>
  new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });

/** An SMTP server on the loopback interface that keeps what it takes. */
export async function startServer(options: SMTPServerOptions = {}): Promise<TestServer> {
  const deliveries: Delivery[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    disableReverseLookup: true,
    cert: CERTIFICATE,
    key: KEY,
    closeTimeout: 50,
    onData(stream, session, callback) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        deliveries.push({
          to: session.envelope.rcptTo.map(({ address }) => address),
          text: Buffer.concat(chunks).toString('utf8'),
        });
        callback();
      });
    },
    ...options,
  });
  server.on('error', () => {});
  const port = await listening(server.server);
  const sockets = new Set<Socket>();
  server.server.on('connection', (socket: Socket) => sockets.add(socket));
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  return { port, deliveries, cut, close: () => new Promise((resolve) => server.close(() => resolve())) };
}

/**
 * What happens to a line of the client (`null`: its connection). `cut` and `silence` keep it from the server; `cut-answer`,
 * `lose-answer` and `delay` pass it on and do so to the answer. Passed on where nothing is returned.
 */
type Interception =
  | 'cut'
  | 'silence'
  | 'cut-answer'
  | 'lose-answer'
  | { readonly answer: string }
  | { readonly delay: number };
export type Intercept = (line: string | null) => Interception | undefined;

/** Something between client and server that cuts, answers for the server, or falls silent at a line of the client. */
export async function startInterceptor(target: number, intercept: Intercept): Promise<TestServer> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(target, '127.0.0.1');
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => [client, upstream].map((each) => each.destroy()));
    }
    let now: Interception | undefined;
    const take = (line: string | null): void => {
      if (now !== undefined) return;
      now = intercept(line);
      if (now === 'cut') client.destroy();
      else if (typeof now === 'object' && 'answer' in now) client.write(`${now.answer}\r\n`);
      else if (now !== 'silence' && line !== null) upstream.write(`${line}\r\n`, 'latin1');
    };
    upstream.on('data', (data) => {
      if (now === 'cut-answer') client.destroy();
      else if (now === undefined) client.write(data);
      else if (typeof now === 'object' && 'delay' in now)
        setTimeout(() => {
          now = undefined;
          client.write(data);
        }, now.delay);
    });
    take(null);
    let rest = '';
    client.on('data', (data) => {
      rest += data.toString('latin1');
      for (let at = rest.indexOf('\r\n'); at >= 0; at = rest.indexOf('\r\n')) {
        const line = rest.slice(0, at);
        rest = rest.slice(at + 2);
        take(line);
      }
    });
  });
  const port = await listening(server);
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const close = (): Promise<void> => {
    cut();
    return new Promise((resolve) => server.close(() => resolve()));
  };
  return { port, deliveries: [], cut, close };
}

export const settingsFor = (port: number, more: Partial<SmtpSettings> = {}): SmtpSettings => ({
  host: '127.0.0.1',
  port,
  tls: 'none',
  auth: null,
  ca: null,
  timeout: 5000,
  ...more,
});
