import { walkLessons } from './lessons.mjs';
import { openWebKit } from './webkit.mjs';

walkLessons('WebKitGTK', openWebKit);
