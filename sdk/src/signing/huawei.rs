//! Huawei Cloud's SDK-HMAC-SHA256.
