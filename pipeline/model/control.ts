import type { ByGateKind } from './gate.ts';

/** Names of TD attribute bits: TDX module ABI specification, ATTRIBUTES definition; the kernel's asm/shared/tdx.h. */
export const ATTRIBUTE_NAMES: ReadonlyMap<number, string> = new Map([
  [0, 'DEBUG'],
  [4, 'HGS_PLUS_PROF'],
  [5, 'PERF_PROF'],
  [6, 'PMT_PROF'],
  [16, 'ICSSD'],
  [27, 'LASS'],
  [28, 'SEPT_VE_DISABLE'],
  [29, 'MIGRATABLE'],
  [30, 'PKS'],
  [31, 'KL'],
  [62, 'TPA'],
  [63, 'PERFMON'],
]);

/** Names of XFAM bits: Intel SDM volume 1, chapter 13, XCR0 and IA32_XSS state components. */
export const XFAM_NAMES: ReadonlyMap<number, string> = new Map([
  [0, 'FP'],
  [1, 'SSE'],
  [2, 'AVX'],
  [3, 'BNDREGS'],
  [4, 'BNDCSR'],
  [5, 'AVX512_OPMASK'],
  [6, 'AVX512_ZMM_HI256'],
  [7, 'AVX512_HI16_ZMM'],
  [8, 'PT'],
  [9, 'PKRU'],
  [10, 'PASID'],
  [11, 'CET_USER'],
  [12, 'CET_KERNEL'],
  [13, 'HDC'],
  [14, 'UINTR'],
  [15, 'LBR'],
  [16, 'HWP'],
  [17, 'XTILE_CFG'],
  [18, 'XTILE_DATA'],
  [19, 'APX'],
]);

/** The fields whose bits gate CPUID bits, and the names of these. */
export const GATE_FIELDS = {
  attributes: { field: 'ATTRIBUTES', names: ATTRIBUTE_NAMES },
  xfam: { field: 'XFAM', names: XFAM_NAMES },
} as const satisfies ByGateKind<{ readonly field: string; readonly names: ReadonlyMap<number, string> }>;

/** XFAM bits of which TDH.MNG.INIT takes all of a group or none: AVX-512, CET, AMX. */
export const XFAM_TOGETHER: readonly bigint[] = [0xe0n, 0x1800n, 0x60000n];

/** Names of TDX_FEATURES0 bits in the layout of 2.0.18. */
const FEATURE_NAMES: ReadonlyMap<number, string> = new Map([
  [0, 'td_migration'],
  [1, 'td_preserving'],
  [2, 'service_td'],
  [3, 'tdg_vp_rdwr'],
  [4, 'relaxed_mem'],
  [5, 'cpuid_virt_guest_ctrl'],
  [6, 'tdx_connect'],
  [7, 'td_partitioning'],
  [8, 'local_attestation'],
  [9, 'td_entry_enh'],
  [10, 'hp_locks'],
  [11, 'config_ia32_arch_cap'],
  [16, 'pending_ept_v2'],
  [17, 'fms_config'],
  [18, 'no_rbp_mod'],
  [19, 'l2_tlb_invd_opt'],
  [20, 'topology_enum'],
  [21, 'partitioned_td_migration'],
  [24, 'event_filtering'],
  [25, 'icssd'],
  [26, 'fixed_ctr12_prof'],
  [27, 'maxpa_virt'],
  [28, 'apx'],
  [29, 'cpuid2_virt'],
  [30, 've_reduction'],
  [31, 'enh_event_filt'],
  [32, 'tdx_connect_partitioning'],
  [33, 'maxgpa_virt'],
  [36, 'dynamic_pamt'],
  [37, 'fatal_diag'],
  [38, 'page_release'],
  [39, 'nrx'],
  [40, 'enh_intr_state'],
  [41, 'nbe'],
  [42, 'perf_mask'],
  [43, 'scan_export_restore'],
  [44, 'import_page_status'],
  [45, 'enh_intr_virt'],
  [46, 've_info_intr_state'],
  [47, 'update_compat'],
  [48, 'servtd_rebind'],
  [49, 'tdid_vmid'],
  [51, 'enh_demote'],
  [52, 'debug_ro_mig'],
  [53, 'sys_disable'],
  [54, 'list_error_count'],
  [56, 'sealkey_128'],
  [57, 'sealkey_256'],
]);

/** A release's own header names its bits; where it does not, the layout of the newest one does. */
export const featureNamesOf = (own: ReadonlyMap<number, string>): ReadonlyMap<number, string> =>
  new Map([...FEATURE_NAMES, ...own]);

/** Names of CONFIG_FLAGS bits: TDX module ABI specification, TD_PARAMS. */
export const CONFIG_FLAG_NAMES: ReadonlyMap<number, string> = new Map([
  [0, 'GPAW'],
  [1, 'FLEXIBLE_PENDING_VE'],
  [2, 'NO_RBP_MOD'],
  [3, 'MAXPA_VIRT'],
  [4, 'MAXGPA_VIRT'],
  [7, 'SEALING'],
]);

/** Names of FEATURE_PARAVIRT_CTRL bits: TDX module ABI specification, TD-scope metadata. */
export const PARAVIRT_NAMES: readonly string[] = [
  'CORE_CAPABILITIES',
  'DCA',
  'EST',
  'MCA',
  'MTRR',
  'PCONFIG',
  'RDT_A',
  'RDT_M',
  'ACPI',
  'TM2',
  'TME',
  'TSC_DEADLINE',
];
