/** True for the files of the module that the derivation reads: its own C, without crypto libraries and big generated tables. */
export function isClobberSource(path: string): boolean {
  if (!/^(src|include)\/.*\.[ch]$/.test(path)) return false;
  if (/(^|\/)(ipp|crypto|debug|metadata_handlers)(\/|_)/.test(path)) return false;
  return !/(^|\/)auto_gen[^/]*\//.test(path) || /(^|\/)msr_config_lookup\.c$/.test(path);
}
