import { configureGlobal } from 'fast-check';

// The same examples in every run, so that what kills a mutant once kills it again.
configureGlobal({ seed: 20261121 });
