export { type CallOptions, type ClientOptions, type KeyedOptions, Pages } from "./base.js";
export * from "./errors.js";
export { Recoup } from "./rescue-calls.js";
export type * as rescue from "./rescue-shapes.js";
export type { RescueEvent, StandardEvent } from "./rescue-shapes.js";
export { RecoupStablecoin } from "./stablecoin-calls.js";
export type * as stablecoin from "./stablecoin-shapes.js";
export type { StablecoinEvent } from "./stablecoin-shapes.js";
export { constructEvent, type WebhookHeaders, type WebhookOptions } from "./webhooks.js";
