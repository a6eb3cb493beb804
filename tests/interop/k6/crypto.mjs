import { createHash, createHmac } from "node:crypto";

const ENCODINGS = { hex: "hex", base64: "base64", base64rawurl: "base64url" };

const bytes = (data) => (typeof data === "string" ? data : Buffer.from(data));
const hash = (algorithm) => (data, encoding) => createHash(algorithm).update(bytes(data)).digest(ENCODINGS[encoding]);

export default {
  hmac: (algorithm, secret, data, encoding) =>
    createHmac(algorithm, bytes(secret)).update(bytes(data)).digest(ENCODINGS[encoding]),
  md5: hash("md5"),
  sha1: hash("sha1"),
  sha256: hash("sha256"),
  sha384: hash("sha384"),
  sha512: hash("sha512"),
};
