//! The program that the zkVM runs; all of it is in the library.
#![no_std]
#![no_main]

extern crate braid_stf;
