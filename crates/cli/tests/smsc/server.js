// An SMSC over the `smpp` package of the npm registry, which shares no line with volley. It lets
// in one account, answers out of order, throttles now and then, writes ids in hexadecimal in
// answers and in decimal in receipts, sends receipts on any bind, and asks whether we are alive.
// On SIGTERM it says as JSON what it understood.
//
// Usage: node server.js PASSWORD [KEY.pem CERT.pem]

'use strict';

const fs = require('fs');
const smpp = require('smpp');

const [password, key, cert] = process.argv.slice(2);
const tls = key ? { key: fs.readFileSync(key), cert: fs.readFileSync(cert) } : {};
smpp.addTLV('volley_template', { id: 0x1400, type: smpp.tlvs.receipted_message_id.type });

const bound = new Set();
const parts = new Map(); // destination and reference -> texts by part
const seen = { messages: [], submits: 0, throttled: 0, enquiries_answered: 0, refused_binds: 0, errors: [] };
let nextId = 0xabc0;

function udhPart(message) {
  const header = (message.udh || []).find((element) => element[0] === 0x00);
  return header ? { reference: header[2], total: header[3], part: header[4] } : null;
}

function take(pdu) {
  const { message } = pdu.short_message;
  const where = udhPart(pdu.short_message) || { reference: 0, total: 1, part: 1 };
  const name = `${pdu.destination_addr}/${where.reference}`;
  const texts = parts.get(name) || [];
  texts[where.part - 1] = message;
  parts.set(name, texts);
  if (texts.filter((text) => text !== undefined).length < where.total) return;
  parts.delete(name);
  seen.messages.push({
    to: pdu.destination_addr,
    from: pdu.source_addr,
    text: texts.join(''),
    parts: where.total,
    data_coding: pdu.data_coding,
    service_type: pdu.service_type,
    source_ton: pdu.source_addr_ton,
    dest_ton: pdu.dest_addr_ton,
    registered_delivery: pdu.registered_delivery,
    validity_period: String(pdu.validity_period && pdu.validity_period.toISOString
      ? pdu.validity_period.toISOString() : pdu.validity_period),
    template: pdu.volley_template === undefined ? null : String(pdu.volley_template),
  });
}

function sendReceipt(pdu, id) {
  const sessions = [...bound];
  const session = sessions[id % sessions.length];
  if (!session) return;
  const decimal = String(id);
  const message = {
    source_addr_ton: 1, source_addr_npi: 1, source_addr: pdu.destination_addr,
    dest_addr_ton: 5, destination_addr: pdu.source_addr, esm_class: 4,
  };
  if (id % 2) {
    message.short_message = `id:${decimal} sub:001 dlvrd:001 submit date:2611240900 done date:2611240901 stat:DELIVRD err:000 text:`;
  } else {
    message.receipted_message_id = decimal;
    message.message_state = 2;
  }
  session.deliver_sm(message);
}

function onSubmit(session, pdu) {
  seen.submits += 1;
  if (seen.submits % 250 === 249) {
    seen.throttled += 1;
    session.send(pdu.response({ command_status: smpp.ESME_RTHROTTLED }));
    return;
  }
  take(pdu);
  const id = nextId++;
  setTimeout(() => {
    session.send(pdu.response({ message_id: id.toString(16).toUpperCase() }));
    setTimeout(() => sendReceipt(pdu, id), 20);
  }, id % 7);
}

function onSession(session) {
  let enquiring;
  const bind = (pdu) => {
    if (pdu.system_id !== 'acme' || pdu.password !== password) {
      seen.refused_binds += 1;
      session.send(pdu.response({ command_status: smpp.ESME_RINVPASWD }));
      session.close();
      return;
    }
    session.send(pdu.response({ system_id: 'NODE-SMPP', sc_interface_version: 0x34 }));
    bound.add(session);
    enquiring = setInterval(() => session.enquire_link({}, () => { seen.enquiries_answered += 1; }), 100);
  };
  session.on('bind_transceiver', bind);
  session.on('submit_sm', (pdu) => onSubmit(session, pdu));
  session.on('enquire_link', (pdu) => session.send(pdu.response()));
  session.on('unbind', (pdu) => {
    bound.delete(session);
    session.send(pdu.response());
    session.close();
  });
  session.on('close', () => {
    bound.delete(session);
    clearInterval(enquiring);
  });
  session.on('unknown', (pdu) => seen.errors.push(`unknown PDU ${pdu.command_id}`));
  session.on('error', (error) => {
    if (error.code !== 'ECONNRESET') seen.errors.push(String(error));
  });
}

const server = smpp.createServer(tls, onSession);
server.on('tlsClientError', () => {});
server.listen(0, '127.0.0.1', () => console.log(`listening ${server.address().port}`));
process.on('SIGTERM', () => {
  seen.unfinished = parts.size;
  process.stdout.write(`${JSON.stringify(seen)}\n`, () => process.exit(0));
});
