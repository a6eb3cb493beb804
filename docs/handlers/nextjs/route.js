import { createHmac, timingSafeEqual } from "node:crypto";

function isGenuine(body, signature) {
  const secret = process.env.GITHUB_WEBHOOK_SECRET;
  if (!secret) throw new Error("GITHUB_WEBHOOK_SECRET is not set");
  const expected = Buffer.from("sha256=" + createHmac("sha256", secret).update(body).digest("hex"));
  const given = Buffer.from(signature ?? "");
  return given.length === expected.length && timingSafeEqual(given, expected);
}

export async function POST(request) {
  const body = Buffer.from(await request.arrayBuffer()); // not request.json()
  if (!isGenuine(body, request.headers.get("x-hub-signature-256"))) {
    return new Response("wrong signature\n", { status: 401 });
  }
  const event = JSON.parse(body);
  // Queue the work under the id in x-github-delivery, and do nothing if that id is known.
  return new Response(null, { status: 202 });
}
