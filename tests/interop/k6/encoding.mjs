const ENCODINGS = { std: "base64", rawstd: "base64", url: "base64url", rawurl: "base64url" };

function b64decode(text, encoding) {
  const { buffer, byteOffset, byteLength } = Buffer.from(text, ENCODINGS[encoding]);
  return buffer.slice(byteOffset, byteOffset + byteLength);
}

export default { b64decode };
