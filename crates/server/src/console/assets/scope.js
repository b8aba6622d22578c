// Which organization and which service provider a page is about; the choice stays while the console is open.

import { all, at } from '/console/api.js';
import { field, h, put } from '/console/dom.js';
import { number } from '/console/format.js';

const kept = { organization: null, provider: null };

/** Fields to choose with; `changed` gets organization and provider, either null where there is none. */
export async function scope(parameters, changed) {
  const organizations = await all('/organizations');
  const organization = h('select', {}, organizations.map(one => h('option', { value: one.id }, one.name)));
  const provider = h('select', {});
  let providers = [];
  const tell = () => {
    kept.provider = provider.value || null;
    changed(organizations.find(one => one.id === organization.value) ?? null,
      providers.find(one => one.id === provider.value) ?? null);
  };
  const fill = async () => {
    kept.organization = organization.value || null;
    providers = organization.value ? await all(`/organizations/${at(organization.value)}/serviceProviders`) : [];
    put(provider, providers.map(one => h('option', { value: one.id }, `${one.logical_id} (${number(one.associations)})`)));
    const wanted = parameters.get('provider') ?? kept.provider;
    if (providers.some(one => one.id === wanted)) provider.value = wanted;
  };
  organization.addEventListener('change', async () => { await fill(); tell(); });
  provider.addEventListener('change', tell);
  const wanted = parameters.get('organization') ?? kept.organization;
  if (organizations.some(one => one.id === wanted)) organization.value = wanted;
  await fill();
  return {
    fields: [field('Organization', organization), field('Service provider', provider)],
    start: tell,
    /** Reads the numbers again. */
    async refresh() { const chosen = provider.value; await fill(); provider.value = chosen; },
  };
}
