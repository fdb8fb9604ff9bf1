//! The provider `huawei-swr`.
