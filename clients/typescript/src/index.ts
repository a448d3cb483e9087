export { type ClientOptions, Pages } from "./base.js";
export * from "./errors.js";
export { Recoup } from "./rescue-calls.js";
export type * as rescue from "./rescue-shapes.js";
export { RecoupStablecoin } from "./stablecoin-calls.js";
export type * as stablecoin from "./stablecoin-shapes.js";
export {
  constructEvent,
  type RescueEvent,
  type StablecoinEvent,
  type StandardEvent,
  type WebhookHeaders,
  type WebhookOptions,
} from "./webhooks.js";
