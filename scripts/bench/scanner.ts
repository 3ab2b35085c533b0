/**
 * The part `scanner`.
 *
 * @module
 */
import type { Part } from './trial.js';

export const scanner: Part = { comparisons: [] };
