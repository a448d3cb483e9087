// What 3-D Secure asks of a customer's browser, put into the form that takes them to their bank.
for (const form of document.querySelectorAll("form[data-browser]")) {
  const said = {
    language: navigator.language,
    colorDepth: screen.colorDepth,
    screenHeight: screen.height,
    screenWidth: screen.width,
    timeZoneOffset: new Date().getTimezoneOffset(),
    javaEnabled: false,
  };
  for (const [name, value] of Object.entries(said)) {
    const field = document.createElement("input");
    field.type = "hidden";
    field.name = name;
    field.value = String(value);
    form.append(field);
  }
}
