// What the next calls name: the card's token, the order, the endpoint.
const named = {
  tokenize: "CARD_TOKEN", evaluate: "ORDER_ID", charges: "ORDER_ID", webhooks: "WEBHOOK_ID", uploads: "UPLOAD_ID",
  subscriptions: "SUBSCRIPTION_ID",
};
const variable = named[pm.request.url.getPath().split("/").pop()];
if (variable && pm.request.method === "POST" && pm.response.code < 300) {
  const told = pm.response.json();
  const id = variable === "CARD_TOKEN" ? told.transaction.payment_method.token : told.orderId || (told.order || told).id;
  if (id) pm.collectionVariables.set(variable, id);
}
