import { openFirefox } from './firefox.mjs';
import { walkLessons } from './lessons.mjs';
import { walkWords } from './words.mjs';

walkLessons('Firefox', openFirefox);
walkWords('Firefox', openFirefox);
