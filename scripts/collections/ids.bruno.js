// What the next calls name: the card's token, the order, the endpoint.
const named = {
  tokenize: "CARD_TOKEN", evaluate: "ORDER_ID", charges: "ORDER_ID", webhooks: "WEBHOOK_ID", uploads: "UPLOAD_ID",
  subscriptions: "SUBSCRIPTION_ID",
};
const variable = named[req.getUrl().split("?")[0].split("/").pop()];
if (variable && req.getMethod() === "POST" && res.getStatus() < 300) {
  const told = res.getBody();
  const id = variable === "CARD_TOKEN" ? told.transaction.payment_method.token : told.orderId || (told.order || told).id;
  if (id) bru.setEnvVar(variable, id);
}
