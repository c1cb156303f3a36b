//! SMPP 3.4 PDUs, SMS alphabets, segmentation and receipt text, without I/O.
