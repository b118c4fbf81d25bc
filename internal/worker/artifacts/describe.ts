import { extensionOf } from '../../../pkg/mime/mime.ts';

const byExtension: Readonly<Record<string, string>> = {
  txt: 'テキストファイル',
  md: 'テキストファイル',
  pdf: 'PDFドキュメント',
  jpg: '画像ファイル',
  jpeg: '画像ファイル',
  png: '画像ファイル',
  gif: '画像ファイル',
  zip: 'アーカイブファイル',
  tar: 'アーカイブファイル',
  gz: 'アーカイブファイル',
  json: 'データファイル',
  xml: 'データファイル',
  yaml: 'データファイル',
  yml: 'データファイル',
  log: 'ログファイル',
};

/** What an artifact is called when nobody described it: by its extension. */
export function defaultDescription(path: string): string {
  return byExtension[extensionOf(path)] ?? '成果物ファイル';
}
