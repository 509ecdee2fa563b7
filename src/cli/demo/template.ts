import type { TemplateContents } from '#domain/template/template.ts'

export const templateName = 'earthquake'

const en: TemplateContents[string] = {
  push: {
    title: 'Earthquake, magnitude {{magnitude}}',
    body:
      '{{place}}, {{distanceKm}} km from you.' +
      '{{#if tsunami}} Watch for news about a tsunami.{{/if}}',
  },
  sms: {
    body: 'Earthquake M{{magnitude}}: {{place}}, {{distanceKm}} km from you, {{when}}. {{url}}',
  },
  email: {
    subject: 'Earthquake M{{magnitude}}, {{place}}',
    body:
      'Magnitude {{magnitude}}, {{place}}, {{depthKm}} km deep, ' +
      '{{distanceKm}} km from you, {{when}}.\n{{url}}\n',
    html:
      '<p>Magnitude <b>{{magnitude}}</b>, {{place}}, {{depthKm}} km deep, ' +
      '{{distanceKm}} km from you, {{when}}.</p>' +
      '<p><a href="{{safeUrl url}}">US Geological Survey</a></p>',
  },
}

const ko: TemplateContents[string] = {
  push: {
    title: '지진 발생, 규모 {{magnitude}}',
    body:
      '{{place}}, 계신 곳에서 {{distanceKm}} km.' +
      '{{#if tsunami}} 지진해일 소식에 유의하세요.{{/if}}',
  },
  sms: {
    body: '지진 규모 {{magnitude}}: {{place}}, 계신 곳에서 {{distanceKm}} km, {{when}}. {{url}}',
  },
  email: {
    subject: '지진 규모 {{magnitude}}, {{place}}',
    body:
      '규모 {{magnitude}}, {{place}}, 깊이 {{depthKm}} km, ' +
      '계신 곳에서 {{distanceKm}} km, {{when}}.\n{{url}}\n',
    html:
      '<p>규모 <b>{{magnitude}}</b>, {{place}}, 깊이 {{depthKm}} km, ' +
      '계신 곳에서 {{distanceKm}} km, {{when}}.</p>' +
      '<p><a href="{{safeUrl url}}">미국 지질조사국</a></p>',
  },
}

/** What `PUT /v1/templates/earthquake` is given: one template, two languages, three channels. */
export const templateBody = { defaultLocale: 'en', contents: { en, ko } }
