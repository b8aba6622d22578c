// The contract on PocketBase, through its records and hooks. A handler sees nothing outside of itself.

// PocketBase commits without waiting for the disk. The connection that writes is told to wait: then a create that was
// answered survives the machine, as it does with the others.
onBootstrap((e) => {
  e.next();
  $app.nonconcurrentDB().newQuery("PRAGMA synchronous = FULL").execute();
});

routerAdd("POST", "/v1/communications/serviceProviders/{provider}/externalUsers", (e) => {
  if (e.request.header.get("Authorization") !== "Bearer " + $os.getenv("BENCH_TOKEN")) {
    return e.noContent(401);
  }
  const body = e.requestInfo().body;
  if (body.amazonIdType !== "communication-profile") {
    return e.noContent(400);
  }
  const record = new Record($app.findCachedCollectionByNameOrId("association"));
  record.set("provider", e.request.pathValue("provider"));
  record.set("externalUserId", body.externalUserId);
  record.set("amazonId", body.amazonId);
  try {
    $app.save(record);
  } catch (_) {
    return e.noContent(409);
  }
  return e.noContent(201);
});

routerAdd("POST", "/v1/communications/serviceProviders/{provider}/externalUsers/query", (e) => {
  if (e.request.header.get("Authorization") !== "Bearer " + $os.getenv("BENCH_TOKEN")) {
    return e.noContent(401);
  }
  const ids = e.requestInfo().body.filters.externalUserIds;
  const parameters = { provider: e.request.pathValue("provider") };
  const names = [];
  for (let i = 0; i < ids.length; i++) {
    parameters["id" + i] = ids[i];
    names.push("{:id" + i + "}");
  }
  const rows = arrayOf(new DynamicModel({ externalUserId: "", amazonId: "" }));
  $app.db()
    .newQuery(
      "SELECT externalUserId, amazonId FROM association WHERE provider = {:provider} AND externalUserId IN (" +
        names.join(", ") + ") ORDER BY externalUserId",
    )
    .bind(parameters)
    .all(rows);
  const found = [];
  for (const row of rows) {
    found.push({
      externalUserId: row.externalUserId,
      amazonId: row.amazonId,
      amazonIdType: "communication-profile",
    });
  }
  return e.json(200, {
    paginationContext: { totalCount: found.length, nextPageToken: "0" },
    accountAssociations: found,
  });
});
