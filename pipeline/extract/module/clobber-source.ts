/** True for the files of the module that the derivation reads: its own C, without crypto libraries and big generated tables. */
export function isClobberSource(path: string): boolean {
  if (!/^(src|include)\/.*\.[ch]$/.test(path)) return false;
  if (/(^|\/)(ipp|crypto|debug|metadata_handlers)(\/|_)/.test(path)) return false;
  return !/(^|\/)auto_gen[^/]*\//.test(path) || /(^|\/)msr_config_lookup\.c$/.test(path);
}

/** True for the files that hold the check of TDG.VP.VMCALL's RCX and the type of that register. */
export const isRegisterSource = (path: string): boolean =>
  /(^|\/)tdg_?vp_?vmcall\.c$/.test(path) || /^include\/tdx_\w+\.h$/.test(path);
