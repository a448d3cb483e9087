// A receiver of Recoup's webhooks, Node 18 or newer, nothing to install: WEBHOOK_KEY=… node receiver.mjs 8700
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import { createServer } from 'node:http'

const keys = process.env.WEBHOOK_KEY.split(',').map((key) => Buffer.from(key, 'base64')) // two while a key is replaced
const seen = new Set()
const states = new Map()

createServer(async (request, response) => {
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  const body = Buffer.concat(chunks)
  const head = request.headers
  const content = createHash('sha512').update(body).digest('base64')
  const told = `POST\n${head['x-fc-nonce']};${head['x-fc-date']};${head.host};${content}`
  const given = Buffer.from(String(head['x-fc-authorization']).split('Signature=').pop(), 'base64')
  const made = keys.map((key) => createHmac('sha512', key).update(told).digest())
  const good = made.some((one) => one.length === given.length && timingSafeEqual(one, given))
  response.writeHead(good ? 200 : 401).end()
  if (!good) return
  const event = JSON.parse(body)
  const data = event.EventData
  if (seen.has(data.EventId)) return // each comes at least once
  seen.add(data.EventId)
  if (data.Order && data.Sequence > (states.get(event.OrderId)?.[0] ?? 0)) states.set(event.OrderId, [data.Sequence, data.Order])
  console.log(event.Event, event.OrderId)
}).listen(Number(process.argv[2]), '127.0.0.1')
