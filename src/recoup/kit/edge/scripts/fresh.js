// What an example cannot hold for ever is made before each call.
pm.variables.set("number", Date.now().toString(36));
pm.variables.set("now", new Date().toISOString());
pm.variables.set("expiry", new Date(Date.now() + 21 * 86400000).toISOString());
