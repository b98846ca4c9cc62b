import { openFirefox } from './firefox.mjs';
import { walkLessons } from './lessons.mjs';

walkLessons('Firefox', openFirefox);
