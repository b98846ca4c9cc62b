import { walkLessons } from './lessons.mjs';
import { openWebKit } from './webkit.mjs';
import { walkWords } from './words.mjs';

walkLessons('WebKitGTK', openWebKit);
walkWords('WebKitGTK', openWebKit);
