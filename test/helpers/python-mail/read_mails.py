"""Reads mails with Python's email package, for comparison.

Standard input: for each mail its length in ASCII digits, a line feed, its bytes.
Standard output: for each mail one line of JSON. The policy is `email.policy.default`, the package's own choice for new
programs: it decodes encoded words in header fields and reads addresses into names and addresses.

Where another rule is stated for a class of mails, `other` holds the reading under that rule, made with Python's means too.
"""

import base64
import codecs
import email
import email.header
import email.policy
import email.utils
import json
import re
import sys

# Labels that the WHATWG Encoding Standard reads as a larger charset, by that charset's name in Python.
SUPERSETS = {
    'gb2312': 'gb18030',
    'gbk': 'gb18030',
    'shift_jis': 'cp932',
    'euc-kr': 'cp949',
    'ks_c_5601-1987': 'cp949',
    'iso-8859-1': 'cp1252',
    'iso-8859-9': 'cp1254',
}


# The five bytes that windows-1252 leaves open are C1 controls in the Encoding Standard.
codecs.register_error('c1', lambda error: (chr(error.object[error.start]), error.start + 1))


def by_evidence(data):
    """UTF-8 where the bytes are valid UTF-8, else windows-1252."""
    try:
        return data.decode('utf-8')
    except UnicodeDecodeError:
        return data.decode('cp1252', errors='c1')


def decode(data, label):
    """The text as Part.get_content() decodes it; None where Python does not know the label."""
    try:
        return data.decode(label, errors='replace')
    except (LookupError, TypeError, ValueError):
        return None


def is_no_charset(label):
    """us-ascii, and what names no charset: a decoder of no bytes would not tell."""
    try:
        return codecs.lookup(label).name == 'ascii'
    except (LookupError, ValueError):
        return True


def decode_other(data, label):
    label = str(label).lower()
    if is_no_charset(label):
        return by_evidence(data)
    larger = SUPERSETS.get(label, label)
    return data.decode(larger, errors='c1') if larger == 'cp1252' else decode(data, larger)


BROKEN = re.compile('==|=[ \t]+\r?\n')
QUOTED = re.compile(rb'=(?:([0-9A-Fa-f]{2})|[ \t]*(?:\r?\n|\Z))')


def payload_other(part, payload):
    """Quoted-printable by RFC 2045: blanks at a line's end are none of it, and an `=` that begins no escape stands for itself."""
    raw = part.get_payload()
    quoted = str(part.get('Content-Transfer-Encoding', '')).strip().lower() == 'quoted-printable'
    if not quoted or not BROKEN.search(raw):
        return payload
    data = raw.encode('ascii', 'surrogateescape')
    return QUOTED.sub(lambda match: bytes.fromhex(match[1].decode('ascii')) if match[1] else b'', data)


def read_leaf(part):
    payload = part.get_payload(decode=True) or b''
    kind = part.get_content_type()
    leaf = {'type': kind, 'attachment': part.get_content_disposition() == 'attachment'}
    if kind.startswith('text/') or 'patch' in kind or 'diff' in kind or kind.startswith('multipart/'):
        label = part.get_param('charset', 'us-ascii')
        leaf['label'] = str(label)
        leaf['bytes'] = base64.b64encode(payload).decode('ascii')
        leaf['text'] = decode(payload, label)
        other = payload_other(part, payload)
        if other != payload:
            leaf['otherBytes'] = base64.b64encode(other).decode('ascii')
        leaf['other'] = decode_other(other, label)
    return leaf


def first_raw(message, wanted):
    """The field as it stands, on one line; bytes beyond ASCII by their own evidence."""
    for name, value in message.raw_items():
        if name.lower() == wanted:
            return by_evidence(re.sub(r'\r?\n[ \t]*', ' ', str(value)).encode('utf-8', 'surrogateescape'))
    return ''


def words_other(raw):
    """Encoded words whose bytes are joined where neighbours name one charset, decoded by the other rule."""
    parts = email.header.decode_header(raw)
    return ''.join(
        part if isinstance(part, str) else decode_other(part, label) if label else part.decode('raw-unicode-escape')
        for part, label in parts
    )


def read_author(message):
    header = message['From']
    if header is None or not header.addresses:
        return {'name': '', 'email': ''}
    first = header.addresses[0]
    return {'name': first.display_name, 'email': first.addr_spec}


def attempt(read, *arguments):
    """What `read` gives; where Python itself fails, the name of its exception."""
    try:
        return {'value': read(*arguments)}
    except Exception as error:  # The package raises errors of many types on broken mail.
        return {'error': type(error).__name__}


def read_mail(data):
    message = email.message_from_bytes(data, policy=email.policy.default)
    raw = {name: first_raw(message, name) for name in ('subject', 'from')}
    name, address = email.utils.parseaddr(raw['from'])
    return {
        'raw': raw,
        'subject': attempt(lambda: str(message['Subject'] or '')),
        'author': attempt(read_author, message),
        'leaves': attempt(lambda: [read_leaf(part) for part in message.walk() if not part.is_multipart()]),
        'other': {
            'subject': attempt(words_other, raw['subject']),
            'author': attempt(lambda: {'name': words_other(name), 'email': address}),
        },
    }


def main():
    source = sys.stdin.buffer
    while length := source.readline():
        print(json.dumps(attempt(read_mail, source.read(int(length)))))


main()
