import type { Random } from './random.js'

export const CATEGORIES = [
  'Books',
  'Cities',
  'Food',
  'Gardens',
  'History',
  'Maps',
  'Music',
  'Rivers',
  'Science',
  'Tools',
  'Trains',
  'Weather',
]

export const NAMES = [
  'Ada Lindqvist',
  'Bruno Castell',
  'Chika Okafor',
  'Dalia Haddad',
  'Emil Novak',
  'Farah Siddiqui',
  'Goran Petrov',
  'Hana Sato',
  'Imre Kovacs',
  'Joana Ribeiro',
  'Kofi Mensah',
  'Leila Rahimi',
  'Mateo Fuentes',
  'Nora Eriksen',
  'Olu Adeyemi',
  'Priya Raman',
  'Quentin Leroy',
  'Rosa Marchetti',
  'Sven Dahl',
  'Tuyet Pham',
]

export const TAGS = [
  'archive',
  'beginners',
  'craft',
  'essay',
  'field-notes',
  'how-to',
  'interview',
  'letters',
  'lists',
  'long-read',
  'maps',
  'morning',
  'night',
  'old-books',
  'opinion',
  'photographs',
  'question',
  'recipe',
  'short',
  'sketch',
  'slow',
  'summer',
  'travel',
  'winter',
]

const OPENINGS = ['Notes on', 'A short history of', 'In praise of', 'Learning from', 'The trouble with', 'Looking for']
const QUALITIES = ['quiet', 'forgotten', 'small', 'northern', 'borrowed', 'early', 'wooden', 'crowded', 'unfinished']
const THINGS = ['harbours', 'kitchens', 'libraries', 'bridges', 'orchards', 'timetables', 'letters', 'markets', 'maps']
const SENTENCES = [
  'It began with a question that nobody at the table could answer.',
  'Most of what follows is second-hand, and the rest was written on the back of a ticket.',
  'The first thing one notices is the light.',
  'There is a list somewhere, and it is wrong in an instructive way.',
  'I went back in March, when the doors are open and nobody is there.',
  'My grandmother would have disagreed with every word.',
  'The figures are in the appendix; the argument does not need them.',
  'Somebody had measured it before, with a better instrument and less patience.',
  'It rained, so we talked.',
  'None of this is new, which is rather the point.',
]
const REMARKS = [
  'Thank you, I had been looking for this.',
  'I remember it differently, but I like your version.',
  'The second paragraph is the best thing I have read today.',
  'Is there a source for the figures?',
  'My father worked there. It was exactly so.',
  'I do not agree, and I will come back and say why.',
]

export const title = (random: Random): string =>
  `${random.pick(OPENINGS)} ${random.pick(QUALITIES)} ${random.pick(THINGS)}`

export const paragraphs = (random: Random): string =>
  [random.some(SENTENCES, 3), random.some(SENTENCES, 3)].map((sentences) => sentences.join(' ')).join('\n\n')

export const remark = (random: Random): string => random.pick(REMARKS)
