// The collection of associations, unique by provider and external user.
migrate((app) => {
  app.save(new Collection({
    type: "base",
    name: "association",
    fields: [
      { name: "provider", type: "text", required: true, max: 100 },
      { name: "externalUserId", type: "text", required: true, max: 256 },
      { name: "amazonId", type: "text", required: true, max: 400 },
    ],
    indexes: ["CREATE UNIQUE INDEX association_id ON association (provider, externalUserId)"],
  }));
});
