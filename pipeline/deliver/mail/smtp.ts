import { Readable } from 'node:stream';
import SMTPConnection from 'nodemailer/lib/smtp-connection';
import { plain } from '../../model/text.ts';

export type SmtpSettings = {
  readonly host: string;
  readonly port: number;
  /** `starttls` is required, not tried; `implicit` is TLS from the first byte; `none` is for a server on this machine. */
  readonly tls: 'starttls' | 'implicit' | 'none';
  readonly auth: { readonly user: string; readonly password: string } | null;
  /** Certificates in PEM to trust beside none other; `null` for the system's own. */
  readonly ca: string | null;
  /** Milliseconds without an answer after which the connection is given up. */
  readonly timeout: number;
};

export type Envelope = { readonly from: string; readonly to: readonly string[] };
type RefusedRecipient = { readonly address: string; readonly answer: string };

/**
 * What is known after a try. `accepted`: the server took the mail, perhaps not for all. `rejected`: it refuses this mail for good.
 * `not-sent`: surely not delivered, another try may succeed; `server` tells whether it is the server's matter, and not this mail's.
 * `uncertain`: the text had begun to leave and no answer came, so nobody knows.
 */
export type SendOutcome =
  | { readonly kind: 'accepted'; readonly answer: string; readonly refused: readonly RefusedRecipient[] }
  | { readonly kind: 'rejected'; readonly answer: string }
  | { readonly kind: 'not-sent'; readonly reason: string; readonly server: boolean }
  | { readonly kind: 'uncertain'; readonly reason: string };

type SmtpError = Error & { readonly responseCode?: number; readonly command?: string };

/** A server's text on one line, cut: it is not ours. */
const answerOf = (text: string): string => plain(text).slice(0, 300);

const OF_THE_MAIL = new Set(['MAIL FROM', 'RCPT TO', 'DATA']);

function failure(error: SmtpError, hasBegun: boolean): SendOutcome {
  const reason = answerOf(error.message);
  const { responseCode: code = 0, command = '' } = error;
  // 421 ends the session, not the mail: behind the text it does not say what became of it.
  const isAnswer = code >= 400 && code !== 421;
  if (hasBegun && !isAnswer) return { kind: 'uncertain', reason };
  const ofTheMail = OF_THE_MAIL.has(command) && isAnswer;
  if (ofTheMail && code >= 500) return { kind: 'rejected', answer: reason };
  return { kind: 'not-sent', reason, server: !ofTheMail };
}

/** The bytes as a stream that tells when its first byte is asked for: nothing of the mail has left before. */
function tellingStream(bytes: Buffer, onBegin: () => void): Readable {
  return new Readable({
    read() {
      onBegin();
      this.push(bytes);
      this.push(null);
    },
  });
}

/** Sends one mail over one connection. Never rejects and never tries twice: the outcome says what is known. */
export function sendMail(settings: SmtpSettings, envelope: Envelope, bytes: Buffer): Promise<SendOutcome> {
  const { host, port, tls, auth, ca, timeout } = settings;
  return new Promise((resolve) => {
    let hasBegun = false;
    const connection = new SMTPConnection({
      host,
      port,
      secure: tls === 'implicit',
      requireTLS: tls === 'starttls',
      connectionTimeout: timeout,
      greetingTimeout: timeout,
      socketTimeout: timeout,
      dnsTimeout: timeout,
      tls: { ...(ca === null ? {} : { ca }), minVersion: 'TLSv1.2' },
    });
    let isDone = false;
    const finish = (outcome: SendOutcome): void => {
      if (isDone) return;
      isDone = true;
      if (outcome.kind === 'accepted') connection.quit();
      else connection.close();
      resolve(outcome);
    };
    const fail = (error: Error): void => finish(failure(error, hasBegun));
    const send = (): void => {
      const message = tellingStream(bytes, () => {
        hasBegun = true;
      });
      const options = { from: envelope.from, to: [...envelope.to], size: bytes.length, use8BitMime: true };
      connection.send(options, message, (error, info) => {
        if (error) return fail(error);
        const refused = (info.rejectedErrors ?? []).map((each) => ({
          address: String(each.recipient ?? ''),
          answer: answerOf(each.message),
        }));
        finish({ kind: 'accepted', answer: answerOf(info.response), refused });
      });
    };
    // Both may come again after the answer, when nobody waits for them any more.
    connection.on('error', fail);
    connection.on('end', () => fail(new Error('the connection ended')));
    connection.connect((error) => {
      if (error) return fail(error);
      if (auth === null) return send();
      // No password leaves without encryption, whatever the server offers.
      if (!connection.secure)
        return finish({ kind: 'not-sent', reason: 'the connection is not encrypted', server: true });
      connection.login({ user: auth.user, credentials: { user: auth.user, pass: auth.password } }, (refused) =>
        refused ? fail(refused) : send(),
      );
    });
  });
}
